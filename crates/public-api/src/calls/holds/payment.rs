//! `POST /api/v1/holds/{id}/payment`.

use axum::{extract::State, response::Response};
use http_server::{
    Problem,
    extract::{JsonBody, PathParams},
    problem::ProblemDetails,
};
use inventory::{CommandKind, HoldId};
use vacancy_api::{
    BodyErrors, HoldNotFound, HoldParam, HoldReceipt, KeyErrors, KeyParam, PaymentBody,
    SellerErrors, TimeoutParam, Unavailable,
};

use super::respond;
use crate::{
    state::{PublicState, Seller},
    write::WriteHead,
};

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
        HoldParam,
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
    State(app): State<PublicState>,
    PathParams(hold): PathParams<HoldId>,
    head: WriteHead,
    JsonBody(body): JsonBody<PaymentBody>,
) -> Result<Response, Problem> {
    let kind = CommandKind::StartPayment { hold, payment_ref: body.payment_ref };
    app.write(head, kind, respond).await
}
