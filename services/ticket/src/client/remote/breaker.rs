//! The circuit breaker: a vacancy that fails call after call is left alone for a while, then tried
//! with one call at a time.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use prometheus::IntCounter;
use tokio::time::Instant;

use super::chance::Chance;

/// When it opens, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BreakerSettings {
    /// So many failures in a row open it.
    pub failures: u32,
    /// How long it stays open, give or take a quarter: not all clients shall come back in step.
    pub open: Duration,
}

/// How a call went, as far as the breaker is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// vacancy did its work.
    Success,
    /// vacancy lives, and would not: 429, or its own 503. Neither for nor against it.
    Neutral,
    /// No answer, or none that makes sense.
    Failure,
}

/// What is shown of it, and its number on /metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreakerState {
    /// Calls go through.
    Closed = 0,
    /// One call at a time goes through, to see.
    HalfOpen = 1,
    /// No call goes through.
    Open = 2,
}

impl BreakerState {
    /// Its name on /ready.
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
    HalfOpen { probing: bool },
}

/// Shared by all calls.
pub struct Breaker {
    settings: BreakerSettings,
    state: Mutex<State>,
    chance: Arc<Chance>,
    opened: IntCounter,
}

impl Breaker {
    /// A closed one; `opened` counts.
    pub fn new(settings: BreakerSettings, chance: Arc<Chance>, opened: IntCounter) -> Arc<Self> {
        Arc::new(Self {
            settings,
            state: Mutex::new(State::Closed { failures: 0 }),
            chance,
            opened,
        })
    }

    /// Lets a call through.
    ///
    /// # Errors
    /// For how long no call will be.
    pub fn admit(self: &Arc<Self>) -> Result<Permit, Duration> {
        let now = Instant::now();
        let mut state = self.state();
        let probe = match *state {
            State::Closed { .. } => false,
            State::Open { until } if now < until => {
                return Err(until.saturating_duration_since(now));
            }
            State::HalfOpen { probing: true } => return Err(self.settings.open),
            State::Open { .. } | State::HalfOpen { probing: false } => {
                *state = State::HalfOpen { probing: true };
                true
            }
        };
        Ok(Permit { breaker: self.clone(), probe, verdict: Verdict::Neutral })
    }

    /// Where it stands.
    pub fn show(&self) -> BreakerState {
        match *self.state() {
            State::Closed { .. } => BreakerState::Closed,
            State::Open { until } if Instant::now() < until => BreakerState::Open,
            State::Open { .. } | State::HalfOpen { .. } => BreakerState::HalfOpen,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open(&self, state: &mut State) {
        let pause = self.settings.open.mul_f64(0.75 + 0.5 * self.chance.part());
        self.opened.inc();
        *state = State::Open { until: Instant::now() + pause };
    }

    fn record(&self, probe: bool, verdict: Verdict) {
        let mut state = self.state();
        match (&mut *state, verdict) {
            (State::Closed { failures }, Verdict::Success) => *failures = 0,
            (State::Closed { failures }, Verdict::Failure) => {
                *failures += 1;
                if *failures >= self.settings.failures {
                    tracing::warn!(
                        failures = *failures,
                        "vacancy fails again and again: it is left alone for a while"
                    );
                    self.open(&mut state);
                }
            }
            // Only the call that was let through to see tells; one that began earlier tells of
            // earlier.
            (State::HalfOpen { .. }, _) if probe => match verdict {
                Verdict::Success => {
                    tracing::info!("vacancy answers again");
                    *state = State::Closed { failures: 0 };
                }
                Verdict::Neutral => *state = State::HalfOpen { probing: false },
                Verdict::Failure => self.open(&mut state),
            },
            _ => {}
        }
    }
}

/// A call that was let through. Dropped without a verdict, it says nothing.
pub struct Permit {
    breaker: Arc<Breaker>,
    probe: bool,
    verdict: Verdict,
}

impl Permit {
    /// Whether it is the one that is let through to see.
    pub fn is_probe(&self) -> bool {
        self.probe
    }

    /// Tells how the call went.
    pub fn done(mut self, verdict: Verdict) {
        self.verdict = verdict;
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.breaker.record(self.probe, self.verdict);
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
        breaker.admit().unwrap_or_else(|_| panic!("not admitted")).done(verdict);
    }

    #[tokio::test(start_paused = true)]
    async fn failures_in_a_row_open_it_and_one_probe_closes_it() {
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
            assert_eq!(breaker.show(), BreakerState::Closed);
        }
        let early = breaker.admit().ok().unwrap();
        call(&breaker, Verdict::Failure);
        assert_eq!((breaker.show(), breaker.opened.get()), (BreakerState::Open, 1));
        let pause = breaker.admit().err().unwrap();
        assert!(
            (Duration::from_millis(750)..=Duration::from_millis(1_250)).contains(&pause),
            "{pause:?}"
        );
        early.done(Verdict::Success);
        assert_eq!(breaker.show(), BreakerState::Open, "a call from before says nothing");

        tokio::time::advance(pause).await;
        let probe = breaker.admit().ok().unwrap();
        assert!(probe.is_probe() && breaker.admit().is_err(), "one at a time");
        assert_eq!(breaker.show(), BreakerState::HalfOpen);
        probe.done(Verdict::Failure);
        assert_eq!((breaker.show(), breaker.opened.get()), (BreakerState::Open, 2));

        tokio::time::advance(Duration::from_millis(1_250)).await;
        call(&breaker, Verdict::Neutral);
        assert_eq!(breaker.show(), BreakerState::HalfOpen, "a 429 does not close it");
        drop(breaker.admit().ok().unwrap());
        call(&breaker, Verdict::Success);
        assert_eq!(breaker.show(), BreakerState::Closed);
        call(&breaker, Verdict::Failure);
        assert_eq!(breaker.show(), BreakerState::Closed, "and it counts from the start");
    }
}
