//! What the committer has done, for metrics.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// One commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchStats {
    /// How many commands it answered.
    pub commands: usize,
    /// How many records it wrote.
    pub records: usize,
    /// From the first command taken to all answers ready.
    pub duration: Duration,
}

type Observer = Box<dyn Fn(&BatchStats) + Send + Sync>;

/// Tells an observer of every commit.
#[derive(Default)]
pub struct Stats(Mutex<Option<Observer>>);

impl Stats {
    /// Calls `observer` after every commit, on the committer's thread.
    pub fn observe(&self, observer: impl Fn(&BatchStats) + Send + Sync + 'static) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(observer));
    }

    pub(super) fn record(&self, batch: &BatchStats) {
        if let Some(observer) = &*self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            observer(batch);
        }
    }
}
