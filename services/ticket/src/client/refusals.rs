//! Refusals of vacancy as problems for the caller. Only known codes and members are forwarded;
//! nothing else of a response reaches a caller.

use http::StatusCode;
use http_server::{Problem, extract::Caller, problem::ProblemDetails};
use public_api::ClientError;

/// The refusals: status, code, title, and the members that are forwarded.
const KNOWN: [(StatusCode, &str, &str, &[&str]); 39] = [
    (StatusCode::NOT_FOUND, "event_not_found", "Event not found", &[]),
    (StatusCode::NOT_FOUND, "stock_not_found", "Stock not found", &[]),
    (StatusCode::NOT_FOUND, "hold_not_found", "Hold not found", &[]),
    (StatusCode::CONFLICT, "sold_out", "Sold out", &["available"]),
    (StatusCode::CONFLICT, "limit_exceeded", "Limit per customer exceeded", &["limit", "has"]),
    (StatusCode::UNPROCESSABLE_ENTITY, "customer_required", "Customer required", &[]),
    (StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused", "Idempotency-Key reused", &[]),
    (StatusCode::CONFLICT, "idempotency_key_in_flight", "Idempotency-Key in flight", &[]),
    (StatusCode::UNPROCESSABLE_ENTITY, "refused_by_store", "Refused by the store", &[]),
    (StatusCode::TOO_EARLY, "not_open_yet", "Not open yet", &["opens_at"]),
    (StatusCode::GONE, "sale_closed", "Sale closed", &["closes_at"]),
    (StatusCode::GONE, "hold_expired", "Hold expired", &[]),
    (StatusCode::GONE, "hold_expired_sold_out", "Expired hold cannot be sold", &["refund_due"]),
    (StatusCode::CONFLICT, "hold_released", "Hold released", &[]),
    (StatusCode::CONFLICT, "hold_confirmed", "Hold confirmed", &[]),
    (StatusCode::CONFLICT, "extension_cap", "Hold cannot be extended that far", &[]),
    (StatusCode::CONFLICT, "paid_otherwise", "Confirmed with another payment", &[]),
    (StatusCode::CONFLICT, "amount_mismatch", "Amount is not the total", &["total"]),
    (StatusCode::CONFLICT, "payment_started", "Another payment was started", &[]),
    (StatusCode::CONFLICT, "not_confirmed", "Reservation not confirmed", &[]),
    (StatusCode::CONFLICT, "already_refunded", "Already refunded", &[]),
    (StatusCode::SERVICE_UNAVAILABLE, "index_building", "Index building", &[]),
    (StatusCode::SERVICE_UNAVAILABLE, "too_many_holds", "Too many live holds", &[]),
    (StatusCode::UNAUTHORIZED, "unauthorized", "Unauthorized", &[]),
    (StatusCode::FORBIDDEN, "forbidden", "Forbidden", &[]),
    (StatusCode::UNPROCESSABLE_ENTITY, "mixed_currencies", "Mixed currencies", &[]),
    (StatusCode::UNPROCESSABLE_ENTITY, "total_too_large", "Total too large", &[]),
    (StatusCode::NOT_FOUND, "queue_not_found", "Waiting room not found", &[]),
    (StatusCode::CONFLICT, "queue_closed", "Waiting room closed", &["opens_at"]),
    (StatusCode::CONFLICT, "queue_full", "Waiting room full", &[]),
    (StatusCode::UNAUTHORIZED, "place_invalid", "Place not valid", &[]),
    (StatusCode::CONFLICT, "not_called", "Not called yet", &[]),
    (StatusCode::FORBIDDEN, "pass_required", "Pass required", &[]),
    (StatusCode::FORBIDDEN, "pass_spent", "Pass spent", &[]),
    (StatusCode::CONFLICT, "waitlist_closed", "No waiting list", &[]),
    (StatusCode::CONFLICT, "waitlist_full", "Waiting list full", &[]),
    (StatusCode::CONFLICT, "available", "Available", &[]),
    (StatusCode::CONFLICT, "still_waiting", "Still in the waiting list", &[]),
    (StatusCode::CONFLICT, "hold_offered", "Offered already", &[]),
];

/// Puts the refusal of a caller without the seller's token in the words for this caller:
/// vacancy knows the token of ticket alone.
pub(super) fn for_caller(error: ClientError, caller: Caller) -> ClientError {
    let (problem, seq) = match error {
        ClientError::Refused { problem, seq } => (problem, seq),
        other => return other,
    };
    // Places and passes have the same status.
    let is_about_roles = matches!(problem.code(), "unauthorized" | "forbidden");
    let problem = match is_about_roles {
        true if caller.may_sell() => {
            tracing::error!("vacancy does not accept SELLER_TOKEN of ticket");
            let detail = "The vacancy service does not accept the seller's token of this service.";
            Box::new(Problem::forbidden(detail))
        }
        true => {
            let problem = caller.not_seller();
            Box::new(match seq {
                Some(seq) => problem.with("seq", seq),
                None => problem,
            })
        }
        false => problem,
    };
    ClientError::Refused { problem, seq }
}

/// The code for a body that ticket accepts and vacancy rejects, because vacancy's limits are lower.
const VALIDATION: &str = "validation";

/// Returns the problem for calls beyond the rate limit of vacancy or of a proxy in front of it.
pub(super) fn rate_limited(retry_after_s: u32) -> Problem {
    let detail = "Too many requests. The request had no effect; try again later.";
    Problem::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", "Rate limited", detail)
        .retry_after_s(retry_after_s)
}

/// Returns the problem for the caller and the `seq` of the decision, or `None` if `details` is not
/// a refusal.
pub(super) fn caller_problem(details: ProblemDetails) -> Option<(Problem, Option<u64>)> {
    let seq = details.members.get("seq").and_then(serde_json::Value::as_u64);
    if details.code == VALIDATION && details.status == StatusCode::UNPROCESSABLE_ENTITY.as_u16() {
        return Some((Problem::validation(details.detail), seq));
    }
    let (status, code, title, members) = KNOWN
        .into_iter()
        .find(|known| known.1 == details.code && known.0.as_u16() == details.status)?;
    let mut problem = Problem::new(status, code, title, details.detail);
    if let Some(seconds) = details.retry_after_s {
        problem = problem.retry_after_s(seconds);
    }
    for name in members.iter().chain(&["seq"]) {
        if let Some(value) = details.members.get(*name) {
            problem = problem.with(name, value.clone());
        }
    }
    Some((problem, seq))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn details(status: StatusCode, code: &str) -> ProblemDetails {
        let text = format!(
            r#"{{"type":"t","title":"T","status":{},"detail":"d","error":"T","code":"{code}","seq":7}}"#,
            status.as_u16()
        );
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn refusal_of_a_pass_is_not_one_of_a_role() {
        let of_caller = |status, code| {
            let (problem, seq) = caller_problem(details(status, code)).unwrap();
            match for_caller(
                ClientError::Refused { problem: Box::new(problem), seq },
                Caller::Anonymous,
            ) {
                ClientError::Refused { problem, .. } => (problem.status(), problem.code()),
                other => panic!("{other:?}"),
            }
        };
        for code in ["pass_required", "pass_spent"] {
            assert_eq!(of_caller(StatusCode::FORBIDDEN, code), (StatusCode::FORBIDDEN, code));
        }
        let unauthorized = (StatusCode::UNAUTHORIZED, "unauthorized");
        assert_eq!(of_caller(StatusCode::FORBIDDEN, "forbidden"), unauthorized);
    }

    #[test]
    fn every_refusal_is_forwarded_with_its_status_and_no_other() {
        for (status, code, ..) in KNOWN {
            let (problem, seq) = caller_problem(details(status, code)).unwrap();
            assert_eq!((problem.status(), problem.code(), seq), (status, code, Some(7)));
            assert!(caller_problem(details(StatusCode::IM_A_TEAPOT, code)).is_none());
        }
        assert!(caller_problem(details(StatusCode::CONFLICT, "internal_detail")).is_none());
    }
}
