//! `POST /api/v1/admin/reservations/{id}/refunds`.

use axum::extract::State;
use http_server::{
    Problem,
    extract::{CallerDeadline, IdempotencyKey, OptionalJson, PathParams},
    problem::ProblemDetails,
};
use inventory::{CommandKind, HoldId, Outcome};
use vacancy_api::{
    BodyErrors, Failure, KeyErrors, KeyParam, RefundBody, RefundReceipt, SellerErrors, Unavailable,
    WriteResponse, items_from, unexpected,
};

use crate::api::state::{AppState, Seller};

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
    State(app): State<AppState>,
    PathParams(reservation): PathParams<HoldId>,
    key: IdempotencyKey,
    OptionalJson(body): OptionalJson<RefundBody>,
) -> Result<WriteResponse<RefundReceipt>, Failure> {
    let items = body.items.map(|items| items_from(items, app.engine().limits())).transpose();
    let items = items.map_err(|error| Problem::validation(format!("{error}.")))?;
    let reply = app
        .submit(CommandKind::Refund { reservation, items }, key, CallerDeadline::default())
        .await?;
    match reply.result? {
        Outcome::Refunded { id, reservation, items } => Ok(WriteResponse::created(
            reply.seq,
            RefundReceipt::new(&id, &reservation, &items, reply.seq),
        )),
        other => Err(unexpected(&other).into()),
    }
}
