//! Counters for metrics.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counters since the start.
#[derive(Debug, Default)]
pub struct Counts {
    /// Connections made.
    pub connects: AtomicU64,
    /// Connections that could not be made.
    pub connect_failures: AtomicU64,
    /// Batches that were rolled back and decided again.
    pub conflicts: AtomicU64,
    /// Commits whose connection was lost before the answer.
    pub interrupted: AtomicU64,
    /// Of those, how many turned out to have happened.
    pub resolved_committed: AtomicU64,
    /// Of those, how many turned out not to have happened.
    pub resolved_not_committed: AtomicU64,
    /// Of those, how many could not be found out about in time.
    pub unresolved: AtomicU64,
}

impl Counts {
    pub fn add(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }
}
