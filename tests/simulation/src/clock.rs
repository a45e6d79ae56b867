//! A clock that follows the simulation's time and jumps on request.

use std::sync::{
    Arc,
    atomic::{AtomicI64, AtomicU64, Ordering},
};

use inventory_store::Clock;

const EPOCH_MS: i64 = 1_800_000_000_000;

/// Clones share the jumps.
#[derive(Debug, Clone, Default)]
pub struct SimClock {
    ahead_ms: Arc<AtomicI64>,
    last_ms: Arc<AtomicU64>,
}

impl SimClock {
    /// Sets the clock forward, or back.
    pub fn jump(&self, by_ms: i64) {
        self.ahead_ms.fetch_add(by_ms, Ordering::SeqCst);
    }
}

impl Clock for SimClock {
    fn now_ms(&self) -> u64 {
        // Outside the simulation, when it is over, time stands still.
        let Some(elapsed) = turmoil::sim_elapsed() else {
            return self.last_ms.load(Ordering::SeqCst);
        };
        let elapsed_ms = i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX);
        let now_ms = u64::try_from(EPOCH_MS + elapsed_ms + self.ahead_ms.load(Ordering::SeqCst))
            .unwrap_or(0);
        self.last_ms.store(now_ms, Ordering::SeqCst);
        now_ms
    }
}
