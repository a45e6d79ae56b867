//! `POST /api/v1/reserve`.

use axum::extract::State;
use http_server::extract::{CallerDeadline, IdempotencyKey, JsonBody};
use public_api::{By, QueuePass};
use vacancy_api::{
    BodyErrors, Failure, KeyErrors, KeyParam, PassParam, ReserveAnswer, ReserveBody, SaleRefusals,
    SellerErrors, TimeoutParam, Unavailable, Wording, WriteResponse, reserved,
};

use crate::api::state::AppState;

/// Sell tickets immediately
///
/// Sells from stock `general` of event `default`. If the event is sold by the seller alone, the
/// call needs the seller's token. Sold out is a 200 response, not an error. With an
/// `Idempotency-Key`, a retry after a sale sells nothing more and returns the same response. A
/// refusal is not stored, sold out neither: a retry is decided anew and can win returned tickets.
#[utoipa::path(
    post,
    path = "/api/v1/reserve",
    tag = "sale",
    security((), ("seller" = [])),
    request_body = ReserveBody,
    params(
        KeyParam,
        TimeoutParam,
        PassParam,
    ),
    responses(
        (
            status = OK,
            body = ReserveAnswer,
            headers(("Event-Seq" = u64, description = "The `seq` of the response")),
        ),
        KeyErrors,
        SellerErrors,
        SaleRefusals,
        BodyErrors,
        Unavailable,
    )
)]
pub async fn reserve(
    State(app): State<AppState>,
    by: By,
    key: IdempotencyKey,
    deadline: CallerDeadline,
    pass: QueuePass,
    JsonBody(body): JsonBody<ReserveBody>,
) -> Result<WriteResponse<ReserveAnswer>, Failure> {
    let stock = app.stock();
    let (event, by_seller) = (stock.event().clone(), by.0.may_sell());
    let pass = pass.of(&event);
    let kind = stock.reserve(event, body.qty, body.customer, by_seller, pass)?;
    let reply = app.submit(kind, key, deadline).await?;
    reserved(reply, Wording::Reserve, by.0).map(|answer| WriteResponse::ok(answer.seq, answer))
}
