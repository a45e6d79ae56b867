//! `POST /api/v1/holds/{id}/confirm`.

use axum::{extract::State, response::Response};
use http_server::{
    Problem,
    extract::{OptionalJson, PathParams},
    problem::ProblemDetails,
};
use inventory::{CommandKind, HoldId};
use vacancy_api::{
    BodyErrors, ConfirmBody, HoldNotFound, HoldParam, HoldReceipt, KeyErrors, KeyParam,
    SellerErrors, TimeoutParam, Unavailable,
};

use super::respond;
use crate::{state::PublicState, write::WriteHead};

/// Confirm a hold
///
/// Sells the items of the hold. A repeated call returns the same response. An expired hold is
/// confirmed too while its items are still available and the limit per customer allows it. If not,
/// the ledger records once per `payment_ref` that the payment has to be refunded, and no later call
/// with it succeeds. If the event is sold by the seller alone, the call needs the seller's token.
#[utoipa::path(
    post,
    path = "/api/v1/holds/{id}/confirm",
    tag = "holds",
    security((), ("seller" = [])),
    request_body(content = Option<ConfirmBody>),
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
            description = "Released, confirmed with another payment (`paid_otherwise`), `amount` is not the total (`amount_mismatch`), or, without `payment_ref`, expired with the limit per customer reached",
            body = ProblemDetails,
            content_type = "application/problem+json",
            headers(("Event-Seq" = u64, description = "The seq at which it was refused")),
        ),
        (
            status = GONE,
            description = "Expired, and its items are gone or its customer has reached the limit; `refund_due` names the payment to refund",
            body = ProblemDetails,
            content_type = "application/problem+json",
            headers(("Event-Seq" = u64, description = "The seq at which it was refused")),
        ),
        BodyErrors,
        Unavailable,
    )
)]
pub async fn confirm_hold(
    State(app): State<PublicState>,
    PathParams(hold): PathParams<HoldId>,
    head: WriteHead,
    OptionalJson(body): OptionalJson<ConfirmBody>,
) -> Result<Response, Problem> {
    let kind = CommandKind::Confirm {
        hold,
        payment_ref: body.payment_ref,
        amount: body.amount.map(Into::into),
        by_seller: head.caller.may_sell(),
    };
    app.write(head, kind, respond).await
}
