//! `POST /api/v1/admin/reservations/{id}/refunds`.

use axum::{extract::State, response::Response};
use http_server::{
    Problem,
    extract::{OptionalJson, PathParams},
    problem::ProblemDetails,
};
use inventory::{CommandKind, HoldId};
use vacancy_api::{
    Answer, BodyErrors, KeyErrors, KeyParam, RefundBody, RefundReceipt, SellerErrors, TimeoutParam,
    Unavailable, WriteResponse, items_from, misplaced,
};

use crate::{
    state::{PublicState, Seller},
    write::WriteHead,
};

/// Refund a reservation
///
/// The refunded tickets are available immediately. You can refund a reservation in parts.
#[utoipa::path(
    post,
    path = "/api/v1/admin/reservations/{id}/refunds",
    tag = "admin",
    security(("seller" = []), ("admin" = [])),
    request_body(content = Option<RefundBody>),
    params(
        ("id" = String, Path, description = "The reservation: the id of a sale, or of a confirmed hold", format = Uuid),
        KeyParam,
        TimeoutParam,
    ),
    responses(
        (
            status = CREATED,
            body = RefundReceipt,
            headers(("Event-Seq" = u64, description = "The `seq` of the response")),
        ),
        KeyErrors,
        SellerErrors,
        (
            status = NOT_FOUND,
            description = "The reservation does not exist",
            body = ProblemDetails,
            content_type = "application/problem+json",
        ),
        (
            status = CONFLICT,
            description = "Not confirmed, or already refunded",
            body = ProblemDetails,
            content_type = "application/problem+json",
            headers(("Event-Seq" = u64, description = "The seq at which it was refused")),
        ),
        BodyErrors,
        Unavailable,
    )
)]
pub async fn refund_reservation(
    _: Seller,
    State(app): State<PublicState>,
    PathParams(reservation): PathParams<HoldId>,
    head: WriteHead,
    OptionalJson(body): OptionalJson<RefundBody>,
) -> Result<Response, Problem> {
    let items = body.items.map(|items| items_from(items, app.limits())).transpose()?;
    app.write(head, CommandKind::Refund { reservation, items }, |answer| match answer {
        Answer::Refund(refund) => Ok(WriteResponse::created(refund.seq, refund)),
        other => Err(misplaced(&other).into()),
    })
    .await
}
