//! The stage of a server.

use std::sync::{
    Arc,
    atomic::{AtomicU8, Ordering::SeqCst},
};

/// The stage of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    Starting,
    Ready,
    Draining,
}

/// The shared stage of one server. Draining is final.
#[derive(Debug, Clone, Default)]
pub struct Lifecycle(Arc<AtomicU8>);

const STARTING: u8 = 0;
const READY: u8 = 1;
const DRAINING: u8 = 2;

impl Lifecycle {
    /// The current stage.
    #[must_use]
    pub fn stage(&self) -> Stage {
        match self.0.load(SeqCst) {
            STARTING => Stage::Starting,
            READY => Stage::Ready,
            _ => Stage::Draining,
        }
    }

    /// Whether the server is shutting down.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.0.load(SeqCst) == DRAINING
    }

    /// Starting becomes ready; draining stays.
    pub fn set_ready(&self) {
        self.0.fetch_max(READY, SeqCst);
    }

    /// Ends in draining.
    pub fn set_draining(&self) {
        self.0.fetch_max(DRAINING, SeqCst);
    }
}
