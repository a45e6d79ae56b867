//! Delays between the attempts to reconcile a failing system.

use std::{collections::HashMap, time::Duration};

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use parking_lot::Mutex;

const MIN: Duration = Duration::from_millis(500);

/// The backoff of each failing system, by uid.
#[derive(Debug)]
pub struct Retries {
    max: Duration,
    builder: ExponentialBuilder,
    failing: Mutex<HashMap<String, ExponentialBackoff>>,
}

impl Retries {
    /// Delays double from 500 ms up to `max`.
    pub fn new(max: Duration) -> Self {
        let builder = ExponentialBuilder::default()
            .with_min_delay(MIN)
            .with_max_delay(max)
            .with_factor(2.0)
            .without_max_times();
        Self { max, builder, failing: Mutex::default() }
    }

    /// Records a failure and returns the delay before the next attempt.
    pub fn failed(&self, uid: &str) -> Duration {
        let mut failing = self.failing.lock();
        let backoff = failing.entry(uid.to_owned()).or_insert_with(|| self.builder.build());
        backoff.next().unwrap_or(self.max)
    }

    /// Forgets the failures of a system that was reconciled or deleted.
    pub fn succeeded(&self, uid: &str) {
        self.failing.lock().remove(uid);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_the_maximum_and_start_over() {
        let retries = Retries::new(Duration::from_secs(3));
        let delays: Vec<u128> = (0..5).map(|_| retries.failed("a").as_millis()).collect();
        assert_eq!(delays, [500, 1000, 2000, 3000, 3000]);
        assert_eq!(retries.failed("b").as_millis(), 500);
        retries.succeeded("a");
        assert_eq!(retries.failed("a").as_millis(), 500);
    }
}
