//! Accepting connections: the cap, the reserve above it, and errors of the listener.

use std::{
    future::Future,
    io,
    net::SocketAddr,
    pin::pin,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

use axum::Router;
use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use hyper_util::{
    rt::{TokioExecutor, TokioTimer},
    server::conn::auto::Builder,
};
use tokio::{
    net::{TcpListener, TcpStream},
    time::Instant,
};
use tokio_util::task::TaskTracker;

use super::{
    connection::{self, Protocols},
    state::{Admission, Shared},
};

/// First and longest pause after the listener fails, for example without free file descriptors.
const PAUSE_MIN: Duration = Duration::from_millis(5);
const PAUSE_MAX: Duration = Duration::from_secs(1);

pub(super) struct Acceptor {
    router: Router,
    shared: Arc<Shared>,
    tasks: TaskTracker,
    protocols: Arc<Protocols>,
    pauses: ExponentialBackoff,
}

impl Acceptor {
    pub fn new(router: Router, shared: Arc<Shared>, tasks: TaskTracker) -> Self {
        let settings = &shared.settings;
        let mut builder = Builder::new(TokioExecutor::new());
        // Responses are small: writing one buffer is faster than a list of two.
        builder
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(None)
            .max_buf_size(settings.max_header_bytes)
            // A client that has sent everything may say so and still read the responses.
            .half_close(true)
            .writev(false);
        builder
            .http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(settings.http2_max_streams)
            .max_header_list_size(u32::try_from(settings.max_header_bytes).unwrap_or(u32::MAX));
        Self {
            router,
            shared,
            tasks,
            protocols: Arc::new(Protocols::new(builder)),
            pauses: pauses(),
        }
    }

    /// Accepts until `end` resolves.
    pub async fn run_until(&mut self, listener: &TcpListener, end: impl Future<Output = ()>) {
        let mut end = pin!(end);
        loop {
            tokio::select! {
                biased;
                () = &mut end => return,
                accepted = listener.accept() => match accepted {
                    Ok((stream, address)) => {
                        self.pauses = pauses();
                        self.admit(stream, address);
                    }
                    Err(error) if is_of_one_connection(&error) => {}
                    Err(error) => {
                        let pause = self.pauses.next().unwrap_or(PAUSE_MAX);
                        let pause_ms = pause.as_millis() as u64;
                        tracing::warn!(%error, pause_ms, "failed to accept a connection, pausing");
                        tokio::select! {
                            () = &mut end => return,
                            () = tokio::time::sleep(pause) => {}
                        }
                    }
                },
            }
        }
    }

    /// Serves `stream` on a new task: as an overflow connection above the cap; beyond the reserve
    /// it is dropped.
    pub fn admit(&self, stream: TcpStream, address: SocketAddr) {
        let shared = &self.shared;
        shared.accepted.fetch_add(1, Relaxed);
        let (permit, admission) = match shared.slots.clone().try_acquire_owned() {
            Ok(permit) => (permit, Admission::Regular),
            Err(_) => {
                shared.refused.fetch_add(1, Relaxed);
                shared.metrics.refused.inc();
                match shared.reserve.clone().try_acquire_owned() {
                    Ok(permit) => (permit, Admission::Overflow),
                    Err(_) => return,
                }
            }
        };
        // Responses are written whole, so waiting to fill a segment only adds latency. Failure
        // means that the peer has disconnected.
        if stream.set_nodelay(true).is_err() {
            return;
        }
        let (protocols, router, shared) =
            (self.protocols.clone(), self.router.clone(), shared.clone());
        self.tasks.spawn(async move {
            let open = shared.metrics.open.clone();
            open.inc();
            let accepted_at = Instant::now();
            if let Some(builder) = protocols.begun(&stream, &shared).await {
                let stream = (stream, address, accepted_at);
                connection::run(builder, stream, router, &shared, admission).await;
            }
            open.dec();
            drop(permit);
        });
    }
}

/// Pauses that double without end.
fn pauses() -> ExponentialBackoff {
    ExponentialBuilder::default()
        .with_min_delay(PAUSE_MIN)
        .with_max_delay(PAUSE_MAX)
        .without_max_times()
        .build()
}

/// Whether the error concerns a single connection and not the listener.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}
