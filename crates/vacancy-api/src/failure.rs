//! Refusals and errors as problems.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode};
use http_server::{Problem, extract::Caller};
use inventory::{Outcome, Refusal, RefusalKind};

use crate::{response::EVENT_SEQ, time::rfc3339};

/// A problem, and the `seq` at which it was decided, if it was.
#[derive(Debug)]
pub struct Failure {
    problem: Box<Problem>,
    seq: Option<u64>,
}

impl Failure {
    /// `problem`, decided at `seq`.
    #[must_use]
    pub fn new(problem: Problem, seq: Option<u64>) -> Self {
        Self { problem: Box::new(problem), seq }
    }

    /// The problem of `refusal` for `caller`, who may have to send the seller's token.
    #[must_use]
    pub fn refused(refusal: Refusal, caller: Caller) -> Self {
        match refusal.kind {
            RefusalKind::SellerOnly => {
                Self::new(with_seq(caller.not_seller(), refusal.seq), refusal.seq)
            }
            _ => refusal.into(),
        }
    }

    /// The problem, and the `seq` at which it was decided.
    #[must_use]
    pub fn into_parts(self) -> (Problem, Option<u64>) {
        (*self.problem, self.seq)
    }

    /// Its status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.problem.status()
    }

    /// The problem alone.
    #[must_use]
    pub fn into_problem(self) -> Problem {
        *self.problem
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self::new(problem, None)
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::new(problem_of_refusal(&refusal), refusal.seq)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut response = self.problem.into_response();
        if let Some(seq) = self.seq {
            response.headers_mut().insert(EVENT_SEQ, HeaderValue::from(seq));
        }
        response
    }
}

/// 404: the event does not exist.
#[must_use]
pub fn event_not_found() -> Problem {
    problem_of_refusal(&Refusal { seq: None, kind: RefusalKind::EventNotFound })
}

/// 503: the service has no signing keys, and `detail` says what needs them.
#[must_use]
pub fn signing_keys_missing(detail: &'static str) -> Problem {
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "signing_keys_missing",
        "Signing keys missing",
        detail,
    )
    .retry_after_s(60)
}

/// 404: the event has no waiting room.
#[must_use]
pub fn queue_not_found() -> Problem {
    problem_of_refusal(&Refusal { seq: None, kind: RefusalKind::QueueNotFound })
}

/// 404: the hold does not exist.
#[must_use]
pub fn hold_not_found() -> Problem {
    problem_of_refusal(&Refusal { seq: None, kind: RefusalKind::HoldNotFound })
}

/// The problem of a refusal. Its members include the `seq` at which it was decided.
fn problem_of_refusal(refusal: &Refusal) -> Problem {
    let detail = |kind: &RefusalKind| -> String {
        let mut detail = kind.to_string();
        if let Some(first) = detail.get_mut(0..1) {
            first.make_ascii_uppercase();
        }
        detail.push('.');
        detail
    };
    let new = |status, code, title| Problem::new(status, code, title, detail(&refusal.kind));
    let problem = match &refusal.kind {
        RefusalKind::EventNotFound => {
            new(StatusCode::NOT_FOUND, "event_not_found", "Event not found")
        }
        RefusalKind::StockNotFound(_) => {
            new(StatusCode::NOT_FOUND, "stock_not_found", "Stock not found")
        }
        RefusalKind::HoldNotFound => new(StatusCode::NOT_FOUND, "hold_not_found", "Hold not found"),
        RefusalKind::SoldOut { available } => {
            let available: serde_json::Map<_, _> =
                available.iter().map(|(stock, left)| (stock.to_string(), (*left).into())).collect();
            new(StatusCode::CONFLICT, "sold_out", "Sold out").with("available", available)
        }
        RefusalKind::LimitExceeded { limit, has } => {
            new(StatusCode::CONFLICT, "limit_exceeded", "Limit per customer exceeded")
                .with("limit", *limit)
                .with("has", *has)
        }
        RefusalKind::CustomerRequired => {
            new(StatusCode::UNPROCESSABLE_ENTITY, "customer_required", "Customer required")
        }
        RefusalKind::NotOpenYet { opens_at_ms, wait_ms } => {
            new(StatusCode::TOO_EARLY, "not_open_yet", "Not open yet")
                .with("opens_at", rfc3339(*opens_at_ms))
                .retry_after_s(wait_s(*wait_ms))
        }
        RefusalKind::SaleClosed { closes_at_ms } => {
            new(StatusCode::GONE, "sale_closed", "Sale closed")
                .with("closes_at", rfc3339(*closes_at_ms))
        }
        RefusalKind::HoldExpired => new(StatusCode::GONE, "hold_expired", "Hold expired"),
        RefusalKind::HoldExpiredSoldOut => {
            new(StatusCode::GONE, "hold_expired_sold_out", "Expired hold cannot be sold")
        }
        RefusalKind::RefundDue { payment_ref } => {
            new(StatusCode::GONE, "hold_expired_sold_out", "Expired hold cannot be sold")
                .with("refund_due", payment_ref.as_str())
        }
        RefusalKind::PaidOtherwise => {
            new(StatusCode::CONFLICT, "paid_otherwise", "Confirmed with another payment")
        }
        RefusalKind::AmountMismatch { total } => {
            let problem = new(StatusCode::CONFLICT, "amount_mismatch", "Amount is not the total");
            match total {
                Some(total) => problem.with("total", serde_json::json!(total)),
                None => problem,
            }
        }
        RefusalKind::PaymentStarted => {
            new(StatusCode::CONFLICT, "payment_started", "Another payment was started")
        }
        RefusalKind::SellerOnly => new(StatusCode::FORBIDDEN, "forbidden", "Forbidden"),
        RefusalKind::MixedCurrencies => {
            new(StatusCode::UNPROCESSABLE_ENTITY, "mixed_currencies", "Mixed currencies")
        }
        RefusalKind::TotalTooLarge => {
            new(StatusCode::UNPROCESSABLE_ENTITY, "total_too_large", "Total too large")
        }
        RefusalKind::HoldReleased => new(StatusCode::CONFLICT, "hold_released", "Hold released"),
        RefusalKind::HoldConfirmed => new(StatusCode::CONFLICT, "hold_confirmed", "Hold confirmed"),
        RefusalKind::ExtensionCap { .. } => {
            new(StatusCode::CONFLICT, "extension_cap", "Hold cannot be extended that far")
        }
        RefusalKind::NotConfirmed => {
            new(StatusCode::CONFLICT, "not_confirmed", "Reservation not confirmed")
        }
        RefusalKind::AlreadyRefunded => {
            new(StatusCode::CONFLICT, "already_refunded", "Already refunded")
        }
        RefusalKind::CapacityBelowUse { .. } => {
            new(StatusCode::CONFLICT, "capacity_below_use", "Capacity below use")
        }
        RefusalKind::PreconditionFailed => {
            new(StatusCode::PRECONDITION_FAILED, "precondition_failed", "Precondition failed")
        }
        RefusalKind::EventInUse { .. } => new(StatusCode::CONFLICT, "event_in_use", "Event in use"),
        RefusalKind::EventExists => new(StatusCode::CONFLICT, "event_exists", "Event exists"),
        RefusalKind::KeyReused => new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "idempotency_key_reused",
            "Idempotency-Key reused",
        ),
        RefusalKind::TooManyEvents(_) => {
            new(StatusCode::CONFLICT, "too_many_events", "Too many events")
        }
        RefusalKind::TooManyHolds(_) => {
            new(StatusCode::SERVICE_UNAVAILABLE, "too_many_holds", "Too many live holds")
                .retry_after_about_s(5)
        }
        RefusalKind::QueueNotFound => {
            new(StatusCode::NOT_FOUND, "queue_not_found", "Waiting room not found")
        }
        RefusalKind::QueueClosed { opens_at_ms } => {
            let problem = new(StatusCode::CONFLICT, "queue_closed", "Waiting room closed");
            match opens_at_ms {
                Some(opens_at_ms) => problem.with("opens_at", rfc3339(*opens_at_ms)),
                None => problem,
            }
        }
        RefusalKind::QueueFull(_) => new(StatusCode::CONFLICT, "queue_full", "Waiting room full"),
        RefusalKind::QueueInUse => new(StatusCode::CONFLICT, "queue_in_use", "Waiting room in use"),
        RefusalKind::QueueMoved => {
            new(StatusCode::CONFLICT, "queue_moved", "Waiting room moved on")
        }
        RefusalKind::DrawNotCommitted => {
            new(StatusCode::CONFLICT, "draw_not_committed", "Draw not committed")
        }
        RefusalKind::PlaceNotFound => place_invalid(),
        RefusalKind::NotCalled { .. } => {
            new(StatusCode::CONFLICT, "not_called", "Not called yet").retry_after_about_s(5)
        }
        RefusalKind::WaitlistClosed => {
            new(StatusCode::CONFLICT, "waitlist_closed", "No waiting list")
        }
        RefusalKind::WaitlistFull(_) => {
            new(StatusCode::CONFLICT, "waitlist_full", "Waiting list full")
        }
        RefusalKind::Available => new(StatusCode::CONFLICT, "available", "Available"),
        RefusalKind::StillWaiting => {
            new(StatusCode::CONFLICT, "still_waiting", "Still in the waiting list")
        }
        RefusalKind::Offered => new(StatusCode::CONFLICT, "hold_offered", "Offered already"),
        RefusalKind::PassRequired => new(StatusCode::FORBIDDEN, "pass_required", "Pass required"),
        RefusalKind::PassSpent => new(StatusCode::FORBIDDEN, "pass_spent", "Pass spent"),
    };
    with_seq(problem, refusal.seq)
}

/// 401: the place is none of this waiting room.
#[must_use]
pub fn place_invalid() -> Problem {
    Problem::new(
        StatusCode::UNAUTHORIZED,
        "place_invalid",
        "Place not valid",
        "Queue-Place must be a place of this waiting room, as it was issued.",
    )
}

fn with_seq(problem: Problem, seq: Option<u64>) -> Problem {
    match seq {
        Some(seq) => problem.with("seq", seq),
        None => problem,
    }
}

/// Longest `Retry-After`, seconds: the opening may be moved until then.
const WAIT_MAX_S: u32 = 86_400;

/// `wait_ms` in whole seconds, rounded up.
fn wait_s(wait_ms: u64) -> u32 {
    u32::try_from(wait_ms.div_ceil(1_000)).unwrap_or(u32::MAX).min(WAIT_MAX_S)
}

/// The problem when the engine returned the outcome of another command: a defect, which must not
/// look like a success.
#[must_use]
pub fn unexpected(outcome: &Outcome) -> Problem {
    tracing::error!(?outcome, "BUG: outcome does not belong to the command");
    Problem::internal("The request could not be handled.")
}

#[cfg(test)]
mod tests {
    use super::wait_s;

    #[test]
    fn a_wait_is_rounded_up_and_bounded() {
        for (wait_ms, seconds) in
            [(1, 1), (1_000, 1), (1_001, 2), (86_400_001, 86_400), (u64::MAX, 86_400)]
        {
            assert_eq!(wait_s(wait_ms), seconds, "{wait_ms}");
        }
    }
}
