//! The circuit breaker. Consecutive failures open it; while it is open, no call is made. Then it
//! admits one trial call at a time, and closes when a trial succeeds.

use std::{sync::Arc, time::Duration};

use parking_lot::{Mutex, MutexGuard};
use prometheus::IntCounter;
use tokio::time::Instant;

use super::{super::link_settings::BreakerSettings, jitter::Jitter};

/// The verdict of a call on vacancy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// vacancy did its work.
    Success,
    /// vacancy works and declined the call, with 429 or its own 503. Counts neither way.
    Neutral,
    /// vacancy sent no response, or an invalid one.
    Failure,
}

/// The state of the breaker, with its value on /metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreakerState {
    /// All calls are admitted.
    Closed = 0,
    /// One trial call at a time is admitted.
    HalfOpen = 1,
    /// No call is admitted.
    Open = 2,
}

impl BreakerState {
    /// Returns the name on /ready.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::HalfOpen => "half_open",
            Self::Open => "open",
        }
    }
}

enum State {
    Closed { failures: u32 },
    Open { until: Instant },
    HalfOpen { trial: Trial },
}

/// Whether a trial call is in flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trial {
    None,
    InFlight,
}

/// A circuit breaker, shared by all calls.
pub struct Breaker {
    settings: BreakerSettings,
    state: Mutex<State>,
    jitter: Arc<Jitter>,
    opened: IntCounter,
}

impl Breaker {
    /// Creates a closed breaker. `opened` counts how often it opens.
    pub fn new(settings: BreakerSettings, jitter: Arc<Jitter>, opened: IntCounter) -> Arc<Self> {
        Arc::new(Self {
            settings,
            state: Mutex::new(State::Closed { failures: 0 }),
            jitter,
            opened,
        })
    }

    /// Admits a call.
    ///
    /// # Errors
    /// The time until a call may be admitted.
    pub fn admit(self: &Arc<Self>) -> Result<Permit, Duration> {
        let now = Instant::now();
        let mut state = self.lock();
        let admission = match *state {
            State::Closed { .. } => Admission::Regular,
            State::Open { until } if now < until => {
                return Err(until.saturating_duration_since(now));
            }
            State::HalfOpen { trial: Trial::InFlight } => return Err(self.settings.open),
            State::Open { .. } | State::HalfOpen { trial: Trial::None } => {
                *state = State::HalfOpen { trial: Trial::InFlight };
                Admission::Trial
            }
        };
        Ok(Permit { breaker: self.clone(), admission, verdict: Verdict::Neutral })
    }

    /// Returns the current state.
    pub fn state(&self) -> BreakerState {
        match *self.lock() {
            State::Closed { .. } => BreakerState::Closed,
            State::Open { until } if Instant::now() < until => BreakerState::Open,
            State::Open { .. } | State::HalfOpen { .. } => BreakerState::HalfOpen,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    fn open(&self, state: &mut State) {
        let pause = self.settings.open.mul_f64(0.75 + 0.5 * self.jitter.factor());
        self.opened.inc();
        *state = State::Open { until: Instant::now() + pause };
    }

    fn record(&self, admission: Admission, verdict: Verdict) {
        let mut state = self.lock();
        match (&mut *state, verdict) {
            (State::Closed { failures }, Verdict::Success) => *failures = 0,
            (State::Closed { failures }, Verdict::Failure) => {
                *failures += 1;
                if *failures >= self.settings.failures {
                    tracing::warn!(failures = *failures, "circuit breaker opened");
                    self.open(&mut state);
                }
            }
            // Only the trial call counts; other calls started before the breaker opened.
            (State::HalfOpen { .. }, _) if admission == Admission::Trial => match verdict {
                Verdict::Success => {
                    tracing::info!("circuit breaker closed");
                    *state = State::Closed { failures: 0 };
                }
                Verdict::Neutral => *state = State::HalfOpen { trial: Trial::None },
                Verdict::Failure => self.open(&mut state),
            },
            _ => {}
        }
    }
}

/// The kind of an admitted call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Admission {
    Regular,
    Trial,
}

/// An admitted call. Dropping it without a verdict counts as [`Verdict::Neutral`].
pub struct Permit {
    breaker: Arc<Breaker>,
    admission: Admission,
    verdict: Verdict,
}

impl Permit {
    /// Checks whether it is the trial call of a half-open breaker.
    pub fn is_trial(&self) -> bool {
        self.admission == Admission::Trial
    }

    /// Ends the call with `verdict`.
    pub fn finish(mut self, verdict: Verdict) {
        self.verdict = verdict;
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.breaker.record(self.admission, self.verdict);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn breaker() -> Arc<Breaker> {
        let settings = BreakerSettings { failures: 3, open: Duration::from_secs(1) };
        Breaker::new(settings, Arc::default(), IntCounter::new("opened", "h").unwrap())
    }

    fn call(breaker: &Arc<Breaker>, verdict: Verdict) {
        breaker.admit().unwrap_or_else(|_| panic!("not admitted")).finish(verdict);
    }

    #[tokio::test(start_paused = true)]
    async fn failures_open_the_breaker_and_one_trial_closes_it() {
        let breaker = breaker();
        for verdict in [
            Verdict::Failure,
            Verdict::Failure,
            Verdict::Success,
            Verdict::Failure,
            Verdict::Neutral,
            Verdict::Failure,
        ] {
            call(&breaker, verdict);
            assert_eq!(breaker.state(), BreakerState::Closed);
        }
        let early = breaker.admit().ok().unwrap();
        call(&breaker, Verdict::Failure);
        assert_eq!((breaker.state(), breaker.opened.get()), (BreakerState::Open, 1));
        let pause = breaker.admit().err().unwrap();
        assert!(
            (Duration::from_millis(750)..=Duration::from_millis(1_250)).contains(&pause),
            "{pause:?}"
        );
        early.finish(Verdict::Success);
        assert_eq!(
            breaker.state(),
            BreakerState::Open,
            "a call from before it opened does not count"
        );

        tokio::time::advance(pause).await;
        let trial = breaker.admit().ok().unwrap();
        assert!(trial.is_trial() && breaker.admit().is_err(), "one at a time");
        assert_eq!(breaker.state(), BreakerState::HalfOpen);
        trial.finish(Verdict::Failure);
        assert_eq!((breaker.state(), breaker.opened.get()), (BreakerState::Open, 2));

        tokio::time::advance(Duration::from_millis(1_250)).await;
        call(&breaker, Verdict::Neutral);
        assert_eq!(breaker.state(), BreakerState::HalfOpen, "a 429 does not close it");
        drop(breaker.admit().ok().unwrap());
        call(&breaker, Verdict::Success);
        assert_eq!(breaker.state(), BreakerState::Closed);
        call(&breaker, Verdict::Failure);
        assert_eq!(breaker.state(), BreakerState::Closed, "failures are counted from zero");
    }
}
