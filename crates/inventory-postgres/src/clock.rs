//! The database's clock, as far as it is known here.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use inventory_store::Clock;
use tokio::time::Instant;

/// How far the database's clock is ahead of this process's start.
pub struct ClockOffset {
    started: Instant,
    /// The database's time minus the time since `started`, milliseconds.
    ahead_ms: AtomicI64,
}

impl ClockOffset {
    pub fn new() -> Self {
        Self { started: Instant::now(), ahead_ms: AtomicI64::new(0) }
    }

    /// Records the database's time now.
    pub fn observe(&self, database_ms: u64) {
        let ahead_ms =
            i64::try_from(database_ms).unwrap_or(i64::MAX).saturating_sub(self.elapsed_ms());
        self.ahead_ms.store(ahead_ms, Ordering::Relaxed);
    }

    fn elapsed_ms(&self) -> i64 {
        i64::try_from(self.started.elapsed().as_millis()).unwrap_or(i64::MAX)
    }
}

/// The database's clock as last observed, advanced at the pace of this machine's.
pub struct DatabaseClock(pub Arc<ClockOffset>);

impl Clock for DatabaseClock {
    fn now_ms(&self) -> u64 {
        let ahead_ms = self.0.ahead_ms.load(Ordering::Relaxed);
        u64::try_from(ahead_ms.saturating_add(self.0.elapsed_ms())).unwrap_or(0)
    }
}
