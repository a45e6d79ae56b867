//! One connection from accept to close, with the only timer it has.

use std::{
    future::{Future, poll_fn},
    net::SocketAddr,
    pin::{Pin, pin},
    sync::{Arc, atomic::Ordering::Relaxed},
    task::{Context, Poll},
    time::Duration,
};

use axum::Router;
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto::Builder,
};
use tokio::{
    net::TcpStream,
    time::{Instant, Sleep, sleep, sleep_until},
};

use super::{
    ServerSettings,
    io::TrackedStream,
    service::ConnService,
    state::{Admission, ConnState, Shared},
};
use crate::middleware::Peer;

/// Number of steps in which the idle time is measured, so that requests need not record the time.
const IDLE_STEPS: u32 = 4;

/// Time for an HTTP/2 peer to acknowledge the end of the connection, and for an idle connection to
/// close.
const FAREWELL: Duration = Duration::from_secs(1);

/// The first bytes of an HTTP/2 client that knows that the server speaks it (RFC 9113, 3.4).
const HTTP2_PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// How connections are served.
pub(super) struct Protocols {
    http1: Builder<TokioExecutor>,
    /// Decides by the first bytes. It reads them before the buffer of HTTP/1 exists, and that
    /// buffer then becomes twice as large: 8 KiB more for each connection.
    either: Builder<TokioExecutor>,
}

impl Protocols {
    pub fn new(builder: Builder<TokioExecutor>) -> Self {
        Self { http1: builder.clone().http1_only(), either: builder }
    }

    /// Waits for the first bytes, and returns how to serve what they begin. `None` if the peer
    /// leaves or stays silent, or if the server stops.
    pub async fn begun(
        &self,
        stream: &TcpStream,
        shared: &Shared,
    ) -> Option<&Builder<TokioExecutor>> {
        let mut first = [0; HTTP2_PREFACE.len()];
        let silence_max = shared.settings.header_timeout.min(shared.settings.keepalive_idle);
        let len = tokio::select! {
            biased;
            peeked = stream.peek(&mut first) => peeked.ok().filter(|len| *len > 0)?,
            () = shared.stopping.cancelled() => return None,
            () = sleep(silence_max) => return None,
        };
        let may_be_http2 = HTTP2_PREFACE.starts_with(&first[..len]);
        Some(if may_be_http2 { &self.either } else { &self.http1 })
    }
}

/// Serves a connection that was accepted at this time.
pub(super) async fn run(
    builder: &Builder<TokioExecutor>,
    (stream, address, accepted_at): (TcpStream, SocketAddr, Instant),
    router: Router,
    shared: &Arc<Shared>,
    admission: Admission,
) {
    let state = Arc::new(ConnState::new(shared.clone()));
    let peer = shared.settings.note_peers.then(|| Peer(address.ip().to_canonical()));
    let io = TokioIo::new(TrackedStream::new(stream, state.clone()));
    let service = ConnService { router, state: state.clone(), admission, peer };
    let mut connection = pin!(builder.serve_connection(io, service));
    // A token of its own, because all connections would contend for the lock of a shared one.
    let token = shared.stopping.child_token();
    let mut stopping = pin!(token.cancelled());
    let mut watch = Watch::new(&state, &shared.settings, accepted_at);
    let mut timer = pin!(sleep_until(watch.next_check()));
    let mut stopping_registered = false;

    let cut = poll_fn(|cx| {
        loop {
            if connection.as_mut().poll(cx).is_ready() {
                return Poll::Ready(false);
            }
            // Registered once: the waker of this task stays the same.
            if !stopping_registered {
                stopping_registered = true;
                let _ = stopping.as_mut().poll(cx);
            }
            let verdict = if token.is_cancelled() && watch.ending_at.is_none() {
                watch.end_within(shared.settings.shutdown_timeout);
                Verdict::Close
            } else {
                watch.check(timer.as_mut(), cx)
            };
            match verdict {
                Verdict::Wait => return Poll::Pending,
                Verdict::Continue => {}
                Verdict::Close => {
                    connection.as_mut().graceful_shutdown();
                    timer.as_mut().reset(watch.next_check());
                }
                Verdict::Cut => return Poll::Ready(state.is_busy()),
            }
        }
    })
    .await;
    if cut {
        shared.cut.fetch_add(1, Relaxed);
    }
}

enum Verdict {
    /// Wait for a transfer or the timer.
    Wait,
    /// The timer was re-armed: poll again to register it.
    Continue,
    /// Close gracefully.
    Close,
    /// Drop the connection.
    Cut,
}

/// The deadlines of one connection.
struct Watch<'a> {
    state: &'a ConnState,
    settings: &'a ServerSettings,
    /// The first request must have arrived by then.
    first_request_by: Instant,
    /// A request head is arriving and must be complete by then.
    head_by: Option<Instant>,
    /// Closed gracefully from then on.
    aged_at: Instant,
    aged: bool,
    /// Closing; dropped at this time.
    ending_at: Option<Instant>,
    /// Closing as HTTP/2 without a stream; dropped at this time if still without one.
    farewell_at: Option<Instant>,
    step_at: Instant,
    steps_unchanged: u32,
    transfers_seen: u64,
}

impl<'a> Watch<'a> {
    fn new(state: &'a ConnState, settings: &'a ServerSettings, now: Instant) -> Self {
        Self {
            state,
            settings,
            first_request_by: now + settings.header_timeout,
            head_by: None,
            aged_at: now + settings.max_connection_age.mul_f64(0.9 + 0.2 * rand::random::<f64>()),
            aged: false,
            ending_at: None,
            farewell_at: None,
            step_at: now + settings.keepalive_idle / IDLE_STEPS,
            steps_unchanged: 0,
            transfers_seen: 0,
        }
    }

    fn end_within(&mut self, limit: Duration) {
        self.ending_at = Some(Instant::now() + limit);
    }

    fn is_http2(&self) -> bool {
        self.state.http2.load(Relaxed)
    }

    fn next_check(&self) -> Instant {
        let mut next = self.step_at;
        if !self.state.used.load(Relaxed) {
            next = next.min(self.first_request_by);
        }
        if !self.aged {
            next = next.min(self.aged_at);
        }
        [self.head_by, self.ending_at, self.farewell_at]
            .into_iter()
            .flatten()
            .fold(next, Instant::min)
    }

    /// Called after the connection was polled: decides whether it ends, and arms the timer.
    fn check(&mut self, mut timer: Pin<&mut Sleep>, cx: &mut Context<'_>) -> Verdict {
        // Closing with nothing in flight and nothing to write: an idle or half-sent request must
        // not keep the connection open.
        if self.ending_at.is_some() && !self.state.is_busy() {
            if !self.is_http2() {
                return Verdict::Cut;
            }
            // An HTTP/2 peer first gets GOAWAY.
            if self.farewell_at.is_none() {
                self.farewell_at = Some(Instant::now() + FAREWELL);
                timer.as_mut().reset(self.next_check());
            }
        }
        match (self.state.has_partial_head(), self.head_by) {
            (true, None) => {
                let head_by = Instant::now() + self.settings.header_timeout;
                self.head_by = Some(head_by);
                if head_by < timer.deadline() {
                    timer.as_mut().reset(head_by);
                }
            }
            (false, Some(_)) => self.head_by = None,
            _ => {}
        }
        if timer.as_mut().poll(cx).is_pending() {
            return Verdict::Wait;
        }
        let verdict = self.on_timer(Instant::now());
        timer.reset(self.next_check());
        verdict
    }

    fn on_timer(&mut self, now: Instant) -> Verdict {
        let passed = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        let unused = !self.state.used.load(Relaxed) && self.first_request_by <= now;
        if unused || passed(self.ending_at) || passed(self.head_by) {
            return Verdict::Cut;
        }
        if passed(self.farewell_at) {
            self.farewell_at = None;
            if !self.state.is_busy() {
                return Verdict::Cut;
            }
        }
        if !self.aged && self.aged_at <= now {
            self.aged = true;
            // An idle HTTP/1 client may be sending at this moment: its next response carries
            // `Connection: close`, or it idles out.
            self.state.close_next.store(true, Relaxed);
            if self.is_http2() && self.ending_at.is_none() {
                self.end_within(self.settings.shutdown_timeout.max(FAREWELL));
                return Verdict::Close;
            }
        }
        if self.step_at <= now {
            return self.on_step(now);
        }
        Verdict::Continue
    }

    fn on_step(&mut self, now: Instant) -> Verdict {
        self.step_at = now + self.settings.keepalive_idle / IDLE_STEPS;
        let transfers = self.state.transfers.load(Relaxed);
        if transfers != self.transfers_seen {
            self.transfers_seen = transfers;
            self.steps_unchanged = 0;
            return Verdict::Continue;
        }
        self.steps_unchanged += 1;
        if self.steps_unchanged < IDLE_STEPS || self.ending_at.is_some() {
            return Verdict::Continue;
        }
        if !self.state.is_busy() {
            self.end_within(FAREWELL);
            return Verdict::Close;
        }
        // The peer has stopped reading its response.
        if self.state.write_blocked.load(Relaxed) { Verdict::Cut } else { Verdict::Continue }
    }
}
