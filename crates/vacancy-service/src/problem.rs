//! Errors of the engine as problems.

use http::StatusCode;
use http_server::Problem;
use inventory_engine::EngineError;

/// The problem when the engine could not decide, or when its decision is unknown.
#[must_use]
pub fn problem_of_engine(error: &EngineError) -> Problem {
    match error {
        EngineError::Busy => {
            Problem::overloaded("Too many requests are waiting. Nothing was done; try again.", 1)
        }
        EngineError::DeadlinePassed => {
            Problem::overloaded("The request waited too long. Nothing was done; try again.", 1)
        }
        EngineError::KeyInFlight => {
            let detail = "Another request with this Idempotency-Key is under way. Try again to get its answer.";
            Problem::new(
                StatusCode::CONFLICT,
                "idempotency_key_in_flight",
                "Idempotency-Key in flight",
                detail,
            )
            .retry_after_about_s(1)
        }
        EngineError::Stopping => {
            Problem::overloaded("The service is shutting down. Nothing was done; try again.", 1)
        }
        EngineError::Store(error) if error.is_without_effect() => {
            tracing::debug!(%error, "store unavailable");
            let detail = "The store cannot be reached. Nothing was done; try again.";
            Problem::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "store_unavailable",
                "Store unavailable",
                detail,
            )
            .retry_after_about_s(1)
        }
        EngineError::Store(error) => {
            tracing::error!(%error, "outcome of a request is unknown: the store failed");
            let detail = "The store failed. Whether the request took effect is not known: try again with the same Idempotency-Key.";
            Problem::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "outcome_unknown",
                "Outcome unknown",
                detail,
            )
            .retry_after_about_s(1)
        }
    }
}
