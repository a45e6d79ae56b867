//! State shared by the accept loop, the connections and their requests.

use std::{
    sync::{
        Arc,
        atomic::{
            AtomicBool, AtomicU32, AtomicU64,
            Ordering::{Relaxed, SeqCst},
        },
    },
    time::Duration,
};

use http::Version;
use telemetry::ConnectionMetrics;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::{ServeReport, ServerSettings};
use crate::health::Lifecycle;

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
    /// Cancelled when connections are to end.
    pub stopping: CancellationToken,
}

impl Shared {
    pub fn new(settings: ServerSettings, lifecycle: Lifecycle, metrics: ConnectionMetrics) -> Self {
        Self {
            slots: Arc::new(Semaphore::new(settings.max_connections)),
            reserve: Arc::new(Semaphore::new(settings.overflow_connections)),
            settings,
            lifecycle,
            metrics,
            accepted: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            cut: AtomicU64::new(0),
            stopping: CancellationToken::new(),
        }
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

/// The state of one connection, shared by its socket, its requests and its timer. HTTP/2 streams
/// run on other tasks, hence the atomics.
pub(super) struct ConnState {
    /// The server. Requests reach it through the connection and need not touch the reference count
    /// that all connections share.
    pub shared: Arc<Shared>,
    /// Requests whose response hyper has not taken completely.
    in_flight: AtomicU32,
    /// A request has arrived.
    pub used: AtomicBool,
    /// Requests are HTTP/2.
    pub http2: AtomicBool,
    /// Bytes arrived after the head of the last request: the start of the next head.
    pub head_bytes: AtomicBool,
    /// The last write to the socket blocked.
    pub write_blocked: AtomicBool,
    /// Counts transfers, so that the timer detects idle connections.
    pub transfers: AtomicU64,
    /// The next HTTP/1 response carries `Connection: close`.
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

/// How a connection was admitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Admission {
    /// Within the cap.
    Regular,
    /// From the reserve above the cap: probes are answered, other requests refused.
    Overflow,
}

/// Marks one request as in flight until dropped.
pub(super) struct InFlightGuard(Arc<ConnState>);

impl InFlightGuard {
    pub fn enter(state: &Arc<ConnState>, version: Version) -> Self {
        state.in_flight.fetch_add(1, SeqCst);
        state.head_bytes.store(false, Relaxed);
        state.used.store(true, Relaxed);
        state.http2.store(version == Version::HTTP_2, Relaxed);
        Self(state.clone())
    }
}

impl Drop for InFlightGuard {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, SeqCst);
    }
}
