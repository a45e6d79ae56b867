use std::time::Duration;

use kube::runtime::utils::Backoff;
use rand::RngExt;

const FIRST: Duration = Duration::from_millis(200);
/// Far below the usual 30 s: while a watch backs off, drift goes unseen.
const MOST: Duration = Duration::from_secs(5);

/// Delays between the tries of one broken watch: doubling, with jitter. Every watch has its own, so
/// that one that breaks does not silence the others.
#[derive(Debug)]
pub struct WatchBackoff {
    next: Duration,
}

impl Default for WatchBackoff {
    fn default() -> Self {
        Self { next: FIRST }
    }
}

impl Iterator for WatchBackoff {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        let delay = self.next;
        self.next = (delay * 2).min(MOST);
        Some(delay.mul_f64(rand::rng().random_range(0.75..1.25)))
    }
}

impl Backoff for WatchBackoff {
    fn reset(&mut self) {
        *self = Self::default();
    }
}
