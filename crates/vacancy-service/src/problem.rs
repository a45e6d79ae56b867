//! Errors of the engine as problems.

use http::StatusCode;
use http_server::Problem;
use inventory_engine::EngineError;
use inventory_store::StoreError;

/// The problem when the engine could not decide, or when its decision is unknown.
#[must_use]
pub fn problem_of_engine(error: &EngineError) -> Problem {
    match error {
        EngineError::Busy => {
            Problem::overloaded("The queue is full. The request had no effect; retry.", 1)
        }
        EngineError::DeadlinePassed => Problem::overloaded(
            "The deadline passed in the queue. The request had no effect; retry.",
            1,
        ),
        EngineError::KeyInFlight => {
            let detail = "Another request with this Idempotency-Key is in flight. Retry to get its response.";
            Problem::new(
                StatusCode::CONFLICT,
                "idempotency_key_in_flight",
                "Idempotency-Key in flight",
                detail,
            )
            .retry_after_about_s(1)
        }
        EngineError::Stopping => Problem::overloaded(
            "The service is shutting down. The request had no effect; retry.",
            1,
        ),
        EngineError::Store(StoreError::Refused(_)) => Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "refused_by_store",
            "Refused by the store",
            "The store refuses the data of this request, and would refuse them again. The request had no effect.",
        ),
        EngineError::Store(StoreError::IndexBuilding) => Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "index_building",
            "Index building",
            "The index of reservations is being built. Sales are not affected; retry later.",
        )
        .retry_after_about_s(5),
        EngineError::Store(error) if error.is_without_effect() => {
            tracing::debug!(%error, "store unavailable");
            let detail = "The store is unavailable. The request had no effect; retry.";
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
            let detail = "The store failed, and the outcome is unknown. Retry with the same Idempotency-Key.";
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
