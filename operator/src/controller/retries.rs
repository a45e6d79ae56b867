//! How long a failing system waits for its next try.

use std::{collections::HashMap, sync::Mutex, time::Duration};

const FIRST: Duration = Duration::from_millis(500);
/// Doublings after which the delay is at its longest anyway.
const DOUBLINGS_MAX: u32 = 16;

/// Failures in a row, by the uid of the system.
#[derive(Debug)]
pub struct Retries {
    most: Duration,
    failures: Mutex<HashMap<String, u32>>,
}

impl Retries {
    pub fn new(most: Duration) -> Self {
        Self { most, failures: Mutex::default() }
    }

    /// Counts a failure and returns the delay before the next try.
    pub fn failed(&self, uid: &str) -> Duration {
        let mut failures = self.failures();
        let count = failures.entry(uid.to_owned()).or_default();
        let delay = FIRST * 2_u32.pow((*count).min(DOUBLINGS_MAX));
        *count = count.saturating_add(1);
        delay.min(self.most)
    }

    /// Forgets the failures of a system that is well, or gone.
    pub fn succeeded(&self, uid: &str) {
        self.failures().remove(uid);
    }

    fn failures(&self) -> std::sync::MutexGuard<'_, HashMap<String, u32>> {
        self.failures.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_the_most_and_start_over() {
        let retries = Retries::new(Duration::from_secs(3));
        let delays: Vec<u128> = (0..5).map(|_| retries.failed("a").as_millis()).collect();
        assert_eq!(delays, [500, 1000, 2000, 3000, 3000]);
        assert_eq!(retries.failed("b").as_millis(), 500);
        retries.succeeded("a");
        assert_eq!(retries.failed("a").as_millis(), 500);
    }
}
