//! The stage of a server.

use std::sync::{
    Arc,
    atomic::{AtomicU8, Ordering::SeqCst},
};

use tokio_util::sync::CancellationToken;

/// The stage of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    Starting,
    Ready,
    Draining,
}

/// The shared stage of one server. Draining is final.
#[derive(Debug, Clone, Default)]
pub struct Lifecycle {
    stage: Arc<AtomicU8>,
    /// Cancelled with the beginning of draining, for those who wait for it.
    draining: CancellationToken,
}

const STARTING: u8 = 0;
const READY: u8 = 1;
const DRAINING: u8 = 2;

impl Lifecycle {
    /// The current stage.
    #[must_use]
    pub fn stage(&self) -> Stage {
        match self.stage.load(SeqCst) {
            STARTING => Stage::Starting,
            READY => Stage::Ready,
            _ => Stage::Draining,
        }
    }

    /// Whether the server is shutting down.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.stage.load(SeqCst) == DRAINING
    }

    /// Starting becomes ready; draining stays.
    pub fn set_ready(&self) {
        self.stage.fetch_max(READY, SeqCst);
    }

    /// Ends in draining.
    pub fn set_draining(&self) {
        self.stage.fetch_max(DRAINING, SeqCst);
        self.draining.cancel();
    }

    /// A token that is cancelled when the server begins to shut down. Each waiter has its own: all
    /// waiters of a shared one would take the same lock.
    #[must_use]
    pub fn draining(&self) -> CancellationToken {
        self.draining.child_token()
    }
}
