//! Failures of calls to vacancy, and the problem that the caller gets for each.

use std::time::Duration;

use http::StatusCode;
use http_server::Problem;
use thiserror::Error;
use vacancy_api::Failure;

/// The reason why a call has no result.
#[derive(Debug, Clone, Error)]
pub enum ClientError {
    /// vacancy refused the call.
    #[error("{problem}")]
    Refused {
        /// The response to the caller.
        problem: Box<Problem>,
        /// The ledger position of the decision.
        seq: Option<u64>,
    },
    /// vacancy could not be reached. Nothing was done.
    #[error("vacancy cannot be reached")]
    Unreachable,
    /// The circuit breaker is open. Nothing was done.
    #[error("circuit breaker is open")]
    CircuitOpen {
        /// The time until the breaker admits a call.
        retry_after: Duration,
    },
    /// vacancy did not respond in time, or its response was invalid. The call may have taken
    /// effect.
    #[error("vacancy did not respond")]
    Unknown,
    /// vacancy, or the queue in front of it, is full. Nothing was done.
    #[error("vacancy is overloaded")]
    Overloaded {
        /// The time after which a retry makes sense, seconds.
        retry_after_s: u32,
    },
}

impl ClientError {
    /// Returns the problem for the caller, and the `seq` of the decision if there was one.
    #[must_use]
    pub fn into_problem(self) -> (Problem, Option<u64>) {
        let problem = match self {
            Self::Refused { problem, seq } => return (*problem, seq),
            Self::Unreachable => unavailable(
                "The vacancy service cannot be reached. The request had no effect; retry.",
                1,
            ),
            Self::CircuitOpen { retry_after } => unavailable(
                "The vacancy service is unavailable (circuit breaker open). The request had no \
                 effect; retry.",
                u32::try_from(retry_after.as_secs()).unwrap_or(u32::MAX).saturating_add(1),
            ),
            Self::Unknown => unavailable(
                "The vacancy service did not respond. Retry with the same Idempotency-Key; the request \
                 takes effect at most once.",
                1,
            ),
            Self::Overloaded { retry_after_s } => Problem::overloaded(
                "The queue for the vacancy service is full. The request had no effect; retry.",
                retry_after_s,
            ),
        };
        (problem, None)
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        let (problem, seq) = error.into_problem();
        Self::new(problem, seq)
    }
}

impl From<Failure> for ClientError {
    fn from(failure: Failure) -> Self {
        let (problem, seq) = failure.into_parts();
        Self::Refused { problem: Box::new(problem), seq }
    }
}

fn unavailable(detail: &'static str, retry_after_s: u32) -> Problem {
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "vacancy_unavailable",
        "Vacancy service unavailable",
        detail,
    )
    .retry_after_about_s(retry_after_s)
}
