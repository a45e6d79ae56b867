use axum::extract::State;
use http_server::extract::{CallerDeadline, IdempotencyKey, JsonBody};
use vacancy_api::{
    BodyErrors, Failure, KeyErrors, ReserveAnswer, ReserveBody, SaleRefusals, Unavailable, Wording,
    WriteResponse, reserved,
};

use crate::api::state::AppState;

/// Sell tickets at once
///
/// Of stock `general` of event `default`. Sold out is an answer, not an error. With an
/// `Idempotency-Key`, repeating the call has no second effect and gives the same answer.
#[utoipa::path(
    post,
    path = "/api/v1/reserve",
    tag = "sale",
    request_body = ReserveBody,
    params(
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the call safe to repeat"),
        ("X-Request-Timeout-Ms" = Option<u64>, Header, description = "How long the caller waits, milliseconds: what is not decided by then is not done"),
    ),
    responses(
        (status = OK, body = ReserveAnswer, headers(("Event-Seq" = u64, description = "The answer's seq"))),
        KeyErrors,
        SaleRefusals,
        BodyErrors,
        Unavailable,
    )
)]
pub async fn reserve(
    State(app): State<AppState>,
    key: IdempotencyKey,
    deadline: CallerDeadline,
    JsonBody(body): JsonBody<ReserveBody>,
) -> Result<WriteResponse<ReserveAnswer>, Failure> {
    let stock = app.stock();
    let kind = stock.reserve(stock.event().clone(), body.qty, body.customer)?;
    let reply = app.submit(kind, key, deadline).await?;
    reserved(reply, Wording::Reserve).map(|answer| WriteResponse::ok(answer.seq, answer))
}
