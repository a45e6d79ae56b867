//! Results of a simulation.

use std::time::Duration;

use checker::{Checked, Finding, Invariant};
use thiserror::Error;

use crate::{crowd::CrowdStats, nemesis::FaultCounts, progress::HEALS_IN};

/// Why a simulation failed.
#[derive(Debug, Error)]
pub enum Failure {
    /// An invariant is broken.
    #[error(transparent)]
    Broken(#[from] Finding),
    /// The process could not start on the contents of its disk, or panicked.
    #[error("the simulation ended: {0}")]
    Ended(String),
    /// ticket does not sell after the last fault has ended.
    #[error("ticket did not sell within {} s of the end of the last fault", HEALS_IN.as_secs())]
    Stuck,
    /// Readers saw other counts than the ledger has.
    #[error("the counts in memory are not those of the ledger: {0}")]
    Counts(String),
    /// People in the waiting room were told something else than the ledger has.
    #[error("the waiting room: {0}")]
    Crowd(String),
}

impl Failure {
    /// One word for the failure: the invariant, `ended`, `stuck`, `counts` or `crowd`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Broken(finding) => match finding.invariant {
                Invariant::I1 => "I1",
                Invariant::I2 => "I2",
                Invariant::I3 => "I3",
                Invariant::I4 => "I4",
                Invariant::I5 => "I5",
            },
            Self::Ended(_) => "ended",
            Self::Stuck => "stuck",
            Self::Counts(_) => "counts",
            Self::Crowd(_) => "crowd",
        }
    }
}

/// A simulation without a failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// What was checked.
    pub checked: Checked,
    /// What happened in the waiting room.
    pub crowd: CrowdStats,
    /// The faults that were injected.
    pub faults: FaultCounts,
    /// ticket's calls to vacancy.
    pub calls: CallStats,
    /// Time from the end of the last fault to the next sale.
    pub healed_in: Duration,
    /// Simulated time.
    pub elapsed: Duration,
    /// The hash of all ledgers: the same for the same seed.
    pub fingerprint: String,
}

/// ticket's calls to vacancy.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CallStats {
    /// Calls to vacancy.
    pub calls: u64,
    /// Purchases in them, retries not counted.
    pub carried: u64,
    /// Batches of purchases.
    pub batches: u64,
    /// Calls that were retried.
    pub retries: u64,
    /// Times the circuit breaker opened.
    pub opened: u64,
    /// Requests that the relay delivered twice.
    pub duplicated: u64,
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { checked, crowd, faults, calls, healed_in, elapsed, fingerprint } = self;
        write!(
            f,
            "{} calls, {} acknowledged, {} unknown of which {} took effect, {} records; {} + {} \
             kills, {} power losses, {} store failures, {} partitions, {} pauses of messages, {} \
             clock jumps in {:.1} s; ticket made {} calls for {} purchases, {} retries, its \
             breaker opened {} times, {} requests were duplicated, healed in {} ms; waiting room: {} \
             places, {} asked again, {} passes, {} holds, drawn: {}; {fingerprint}",
            checked.calls,
            checked.acknowledged,
            checked.unknown,
            checked.unknown_done,
            checked.records,
            faults.kills,
            faults.other_kills,
            faults.power_losses,
            faults.failures,
            faults.partitions,
            faults.holds,
            faults.jumps,
            elapsed.as_secs_f64(),
            calls.calls,
            calls.carried,
            calls.retries,
            calls.opened,
            calls.duplicated,
            healed_in.as_millis(),
            crowd.places,
            crowd.asked_again,
            crowd.passes,
            crowd.holds,
            crowd.drawn,
        )
    }
}
