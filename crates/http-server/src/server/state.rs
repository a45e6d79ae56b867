//! What the accept loop, the connections and their requests share.

use std::{
    sync::{
        Arc,
        atomic::{
            AtomicBool, AtomicU8, AtomicU32, AtomicU64,
            Ordering::{Relaxed, SeqCst},
        },
    },
    time::Duration,
};

use telemetry::ConnectionMetrics;
use tokio::sync::{Notify, Semaphore};

use super::{ServeReport, ServerSettings};
use crate::health::Lifecycle;

/// Where the server stands, as connections see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Serving,
    Stopping,
}

/// One server.
pub(super) struct Shared {
    pub settings: ServerSettings,
    pub lifecycle: Lifecycle,
    pub metrics: ConnectionMetrics,
    pub slots: Arc<Semaphore>,
    pub reserve: Arc<Semaphore>,
    pub accepted: AtomicU64,
    pub refused: AtomicU64,
    pub cut: AtomicU64,
    phase: AtomicU8,
    pub phase_changed: Notify,
}

impl Shared {
    pub fn new(settings: ServerSettings, lifecycle: Lifecycle, metrics: ConnectionMetrics) -> Self {
        Self {
            slots: Arc::new(Semaphore::new(settings.max_connections)),
            reserve: Arc::new(Semaphore::new(ServerSettings::RESERVED_CONNECTIONS)),
            settings,
            lifecycle,
            metrics,
            accepted: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            cut: AtomicU64::new(0),
            phase: AtomicU8::new(Phase::Serving as u8),
            phase_changed: Notify::new(),
        }
    }

    pub fn is_stopping(&self) -> bool {
        self.phase.load(SeqCst) == Phase::Stopping as u8
    }

    pub fn set_phase(&self, phase: Phase) {
        self.phase.store(phase as u8, SeqCst);
        self.phase_changed.notify_waiters();
    }

    pub fn report(&self, shutdown_took: Duration) -> ServeReport {
        ServeReport {
            accepted: self.accepted.load(Relaxed),
            refused: self.refused.load(Relaxed),
            cut: self.cut.load(Relaxed),
            shutdown_took,
        }
    }
}

/// One connection, as its socket, its requests and its timer see it. HTTP/2 streams run on other
/// tasks, hence the atomics.
pub(super) struct ConnState {
    /// The server; here, so that a request need not count a reference that all connections share.
    pub shared: Arc<Shared>,
    /// Requests whose answer hyper has not taken completely.
    in_flight: AtomicU32,
    /// A request has arrived.
    pub used: AtomicBool,
    /// Requests are HTTP/2.
    pub http2: AtomicBool,
    /// Bytes arrived after the last request's head: the beginning of the next head.
    pub head_bytes: AtomicBool,
    /// The socket did not take what was written.
    pub write_blocked: AtomicBool,
    /// Counts transfers, so that the timer sees whether anything moved.
    pub transfers: AtomicU64,
    /// The next HTTP/1 answer carries `Connection: close`.
    pub close_next: AtomicBool,
}

impl ConnState {
    pub fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            in_flight: AtomicU32::default(),
            used: AtomicBool::default(),
            http2: AtomicBool::default(),
            head_bytes: AtomicBool::default(),
            write_blocked: AtomicBool::default(),
            transfers: AtomicU64::default(),
            close_next: AtomicBool::default(),
        }
    }

    pub fn is_busy(&self) -> bool {
        self.in_flight.load(SeqCst) > 0 || self.write_blocked.load(Relaxed)
    }

    pub fn has_partial_head(&self) -> bool {
        self.head_bytes.load(Relaxed)
            && !self.http2.load(Relaxed)
            && self.in_flight.load(SeqCst) == 0
    }
}

/// Marks one request as in flight until dropped.
pub(super) struct InFlight(Arc<ConnState>);

impl InFlight {
    pub fn enter(state: &Arc<ConnState>, http2: bool) -> Self {
        state.in_flight.fetch_add(1, SeqCst);
        state.head_bytes.store(false, Relaxed);
        state.used.store(true, Relaxed);
        state.http2.store(http2, Relaxed);
        Self(state.clone())
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, SeqCst);
    }
}
