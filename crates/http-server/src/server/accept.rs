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
use hyper_util::{
    rt::{TokioExecutor, TokioTimer},
    server::conn::auto::Builder,
};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::task::TaskTracker;

use super::{connection, state::Shared};

/// First pause after the listener failed (such as no file descriptors left); doubles up to the
/// last.
const BACKOFF_FIRST: Duration = Duration::from_millis(5);
const BACKOFF_LAST: Duration = Duration::from_secs(1);

pub(super) struct Acceptor {
    router: Router,
    shared: Arc<Shared>,
    tasks: TaskTracker,
    builder: Arc<Builder<TokioExecutor>>,
    backoff: Duration,
}

impl Acceptor {
    pub fn new(router: Router, shared: Arc<Shared>, tasks: TaskTracker) -> Self {
        let settings = &shared.settings;
        let mut builder = Builder::new(TokioExecutor::new());
        // Answers are small: one buffer is written sooner than a list of two.
        builder
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(None)
            .max_buf_size(settings.max_header_bytes)
            .writev(false);
        builder
            .http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(settings.http2_max_streams)
            .max_header_list_size(u32::try_from(settings.max_header_bytes).unwrap_or(u32::MAX));
        Self { router, shared, tasks, builder: Arc::new(builder), backoff: BACKOFF_FIRST }
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
                        self.backoff = BACKOFF_FIRST;
                        self.admit(stream, address);
                    }
                    Err(error) if is_of_one_connection(&error) => {}
                    Err(error) => {
                        tracing::warn!(%error, pause_ms = self.backoff.as_millis() as u64, "cannot accept connections, pausing");
                        tokio::select! {
                            () = &mut end => return,
                            () = tokio::time::sleep(self.backoff) => {}
                        }
                        self.backoff = (self.backoff * 2).min(BACKOFF_LAST);
                    }
                },
            }
        }
    }

    /// Serves `stream` on a task of its own, as an overflow connection above the cap, or drops it
    /// above the reserve.
    pub fn admit(&self, stream: TcpStream, address: SocketAddr) {
        let shared = &self.shared;
        shared.accepted.fetch_add(1, Relaxed);
        let (permit, overflow) = match shared.slots.clone().try_acquire_owned() {
            Ok(permit) => (permit, false),
            Err(_) => {
                shared.refused.fetch_add(1, Relaxed);
                shared.metrics.refused.inc();
                match shared.reserve.clone().try_acquire_owned() {
                    Ok(permit) => (permit, true),
                    Err(_) => return,
                }
            }
        };
        // Answers are written whole, so waiting to fill a segment only adds latency. Failure here
        // means the peer is gone.
        if stream.set_nodelay(true).is_err() {
            return;
        }
        let (builder, router, shared) = (self.builder.clone(), self.router.clone(), shared.clone());
        self.tasks.spawn(async move {
            let open = shared.metrics.open.clone();
            open.inc();
            connection::run(&builder, (stream, address), router, &shared, overflow).await;
            open.dec();
            drop(permit);
        });
    }
}

/// Whether the error concerns only the connection that was about to be accepted.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}
