//! `POST /api/v1/holds/{id}/payment`.

use axum::extract::State;
use http_server::{
    extract::{CallerDeadline, IdempotencyKey, JsonBody, PathParams},
    problem::ProblemDetails,
};
use inventory::{CommandKind, HoldId, Outcome};
use vacancy_api::{
    BodyErrors, Failure, HoldNotFound, HoldReceipt, KeyErrors, KeyParam, PaymentBody, SellerErrors,
    TimeoutParam, Unavailable, WriteResponse, unexpected,
};

use crate::api::state::{AppState, Seller};

/// Start the payment of a hold
///
/// Keeps the hold for PAYMENT_WINDOW_S from now, once, within HOLD_LIFETIME_MAX_S. A repeated call
/// with the same `ref` changes nothing.
#[utoipa::path(
    post,
    path = "/api/v1/holds/{id}/payment",
    tag = "holds",
    security(("seller" = []), ("admin" = [])),
    request_body = PaymentBody,
    params(
        ("id" = String, Path, description = "The hold", format = Uuid),
        KeyParam,
        TimeoutParam,
    ),
    responses(
        (
            status = OK,
            body = HoldReceipt,
            headers(("Event-Seq" = u64, description = "The `seq` of the response")),
        ),
        KeyErrors,
        SellerErrors,
        HoldNotFound,
        (
            status = CONFLICT,
            description = "Confirmed or released, or another payment was started",
            body = ProblemDetails,
            content_type = "application/problem+json",
            headers(("Event-Seq" = u64, description = "The seq at which it was refused")),
        ),
        (
            status = GONE,
            description = "Expired",
            body = ProblemDetails,
            content_type = "application/problem+json",
            headers(("Event-Seq" = u64, description = "The seq at which it was refused")),
        ),
        BodyErrors,
        Unavailable,
    )
)]
pub async fn start_payment(
    _: Seller,
    State(app): State<AppState>,
    PathParams(hold): PathParams<HoldId>,
    key: IdempotencyKey,
    deadline: CallerDeadline,
    JsonBody(body): JsonBody<PaymentBody>,
) -> Result<WriteResponse<HoldReceipt>, Failure> {
    let kind = CommandKind::StartPayment { hold, payment_ref: body.payment_ref };
    let reply = app.submit(kind, key, deadline).await?;
    match reply.result? {
        Outcome::PaymentStarted { id, items, expires_at_ms, payment_ref } => {
            let held = HoldReceipt::held(&id, &items, expires_at_ms, reply.seq);
            Ok(WriteResponse::ok(reply.seq, held.paid_by(&payment_ref)))
        }
        other => Err(unexpected(&other).into()),
    }
}
