use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::{SystemTime, UNIX_EPOCH},
};

/// Lines per second; an overloaded server must not spend its time on saying so.
const PER_SECOND: u64 = 20;

/// Limits how many failed requests are logged.
#[derive(Default)]
pub(super) struct WarnBudget {
    second: AtomicU64,
    used: AtomicU64,
    suppressed: AtomicU64,
}

impl WarnBudget {
    /// Whether to log now, and how many lines were left out since the last one.
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
    fn the_budget_is_bounded_and_counts_what_it_left_out() {
        let budget = WarnBudget::default();
        let given = (0..1_000).filter(|_| budget.take().is_some()).count() as u64;
        // The test may run across a second's end.
        assert!((PER_SECOND..=2 * PER_SECOND).contains(&given), "{given}");
        assert!(budget.suppressed.load(Relaxed) > 0);
    }
}
