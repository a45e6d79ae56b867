//! Retries of failed calls: how many, and the pause before each.

use std::{sync::Arc, time::Duration};

use backon::{BackoffBuilder, ExponentialBuilder};
use tokio::time::Instant;
use tower::retry::budget::{Budget, TpsBudget};

use super::jitter::Jitter;

/// The longest pause before the first retry. It doubles with each retry.
const PAUSE_FIRST_MAX: Duration = Duration::from_millis(20);
/// The longest pause before any retry.
const PAUSE_MAX: Duration = Duration::from_millis(500);

/// Retries are limited to this share of all calls, plus a few per second.
const RETRY_SHARE: f32 = 0.1;
const RETRIES_MIN_PER_S: u32 = 2;
const RETRY_WINDOW: Duration = Duration::from_secs(10);

type Backoff = <ExponentialBuilder as BackoffBuilder>::Backoff;

/// The limits of retries, shared by all calls.
pub struct RetryPolicy {
    backoff: ExponentialBuilder,
    retries_max: u32,
    jitter: Arc<Jitter>,
    budget: TpsBudget,
}

impl RetryPolicy {
    /// Allows up to `retries_max` retries per call.
    pub fn new(retries_max: u32, jitter: Arc<Jitter>) -> Self {
        // Without the jitter of backon, which only lengthens a pause: here a pause takes any time
        // up to the maximum, and a simulation seeds it.
        let backoff = ExponentialBuilder::new()
            .with_min_delay(PAUSE_FIRST_MAX)
            .with_max_delay(PAUSE_MAX)
            .with_max_times(usize::try_from(retries_max).unwrap_or(usize::MAX));
        Self {
            backoff,
            retries_max,
            jitter,
            budget: TpsBudget::new(RETRY_WINDOW, RETRIES_MIN_PER_S, RETRY_SHARE),
        }
    }

    /// Counts a call and returns its retries.
    pub fn start(&self) -> Retries<'_> {
        self.budget.deposit();
        Retries { policy: self, pauses_max: self.backoff.build() }
    }
}

/// The retries of one call.
pub struct Retries<'a> {
    policy: &'a RetryPolicy,
    pauses_max: Backoff,
}

impl Retries<'_> {
    /// Returns the pause before it is tried again whether vacancy can be reached. `None` means that
    /// nothing is retried.
    pub fn outage_pause(&self) -> Option<Duration> {
        let is_allowed = self.policy.retries_max > 0;
        is_allowed.then(|| PAUSE_MAX.mul_f64(self.policy.jitter.factor()))
    }

    /// Takes a retry from the budget of all calls. Returns whether there was one.
    pub fn withdraw(&self) -> bool {
        self.policy.budget.withdraw()
    }

    /// Returns the pause before the next retry. Returns `None` if no retry is left, if the budget
    /// is spent, or if the pause would end after `deadline`.
    pub fn next_pause(&mut self, deadline: Instant) -> Option<Duration> {
        let pause = self.pauses_max.next()?.mul_f64(self.policy.jitter.factor());
        (Instant::now() + pause < deadline && self.policy.budget.withdraw()).then_some(pause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pauses(seed: u64, retries_max: u32, deadline_after: Duration) -> Vec<Duration> {
        let policy = RetryPolicy::new(retries_max, Arc::new(Jitter::seeded(seed)));
        let mut retries = policy.start();
        let deadline = Instant::now() + deadline_after;
        std::iter::from_fn(|| retries.next_pause(deadline)).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn pauses_double_up_to_their_maximum_with_full_jitter() {
        let mut longest = [Duration::ZERO; 7];
        let mut shortest = [Duration::MAX; 7];
        for seed in 0..200 {
            let pauses = pauses(seed, 7, Duration::from_secs(60));
            assert_eq!(pauses.len(), 7);
            for (n, pause) in pauses.into_iter().enumerate() {
                longest[n] = longest[n].max(pause);
                shortest[n] = shortest[n].min(pause);
            }
        }
        for (n, max_ms) in [20, 40, 80, 160, 320, 500, 500].into_iter().enumerate() {
            // backon computes in f32, to within a microsecond.
            let max = Duration::from_millis(max_ms) + Duration::from_micros(1);
            assert!(longest[n] <= max && longest[n] > max.mul_f64(0.9), "{n}: {:?}", longest[n]);
            assert!(shortest[n] < max.mul_f64(0.1), "{n}: {:?}", shortest[n]);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn no_retry_starts_after_the_deadline_or_the_last_retry() {
        assert!(pauses(1, 0, Duration::from_secs(60)).is_empty());
        assert!(pauses(1, 2, Duration::ZERO).is_empty());
        assert_eq!(pauses(1, 2, Duration::from_secs(60)).len(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn budget_limits_retries_of_all_calls() {
        let policy = RetryPolicy::new(1, Arc::default());
        let deadline = Instant::now() + Duration::from_secs(60);
        let retried = |calls: usize| {
            (0..calls).filter(|_| policy.start().next_pause(deadline).is_some()).count()
        };
        let reserve = (RETRIES_MIN_PER_S as usize) * RETRY_WINDOW.as_secs() as usize;
        let retries = retried(1_000);
        assert!(retries >= 100 && retries <= 100 + reserve, "{retries}");
    }
}
