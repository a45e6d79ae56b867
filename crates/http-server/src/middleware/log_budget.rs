//! A limit for log lines about failed requests.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::{SystemTime, UNIX_EPOCH},
};

/// Lines per second, so that an overloaded server does not spend its time on logging.
const PER_SECOND: u64 = 20;

/// Limits the number of logged failures.
#[derive(Default)]
pub(super) struct LogBudget {
    second: AtomicU64,
    used: AtomicU64,
    suppressed: AtomicU64,
}

impl LogBudget {
    /// `Some` when a line may be logged, with the number of lines suppressed since the last one.
    pub fn take(&self) -> Option<u64> {
        let second = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        if self.second.swap(second, Relaxed) != second {
            self.used.store(0, Relaxed);
        }
        if self.used.fetch_add(1, Relaxed) < PER_SECOND {
            return Some(self.suppressed.swap(0, Relaxed));
        }
        self.suppressed.fetch_add(1, Relaxed);
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_budget_is_bounded_and_counts_suppressed_lines() {
        let budget = LogBudget::default();
        let given = (0..1_000).filter(|_| budget.take().is_some()).count() as u64;
        // The test may run across a second's end.
        assert!((PER_SECOND..=2 * PER_SECOND).contains(&given), "{given}");
        assert!(budget.suppressed.load(Relaxed) > 0);
    }
}
