//! Refusals of vacancy as problems for the buyer. Only known codes and members are forwarded;
//! nothing else of a response reaches a buyer.

use http::StatusCode;
use http_server::{Problem, problem::ProblemDetails};

/// The refusals of a sale: status, code, title, and the members that are forwarded.
const KNOWN: [(StatusCode, &str, &str, &[&str]); 9] = [
    (StatusCode::NOT_FOUND, "event_not_found", "Event not found", &[]),
    (StatusCode::NOT_FOUND, "stock_not_found", "Stock not found", &[]),
    (StatusCode::CONFLICT, "limit_exceeded", "Limit per customer exceeded", &["limit", "has"]),
    (StatusCode::UNPROCESSABLE_ENTITY, "customer_required", "Customer required", &[]),
    (StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused", "Idempotency-Key reused", &[]),
    (StatusCode::CONFLICT, "idempotency_key_in_flight", "Idempotency-Key in flight", &[]),
    (StatusCode::UNPROCESSABLE_ENTITY, "refused_by_store", "Refused by the store", &[]),
    (StatusCode::TOO_EARLY, "not_open_yet", "Not open yet", &["opens_at"]),
    (StatusCode::GONE, "sale_closed", "Sale closed", &["closes_at"]),
];

/// The code for a body that ticket accepts and vacancy rejects, because vacancy's limits are lower.
const VALIDATION: &str = "validation";

/// Returns the problem for calls beyond the rate limit of vacancy or of a proxy in front of it.
pub(super) fn rate_limited(retry_after_s: u32) -> Problem {
    let detail = "Too many requests. Nothing was sold; try again later.";
    Problem::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", "Rate limited", detail)
        .retry_after_s(retry_after_s)
}

/// Returns the problem for the buyer and the `seq` of the decision, or `None` if `details` is not a
/// refusal of a sale.
pub(super) fn buyer_problem(details: ProblemDetails) -> Option<(Problem, Option<u64>)> {
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
