use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode};
use http_server::{
    extract::{CallerDeadline, IdempotencyKey, PathParams},
    problem::ProblemDetails,
};
use inventory::{CommandKind, HoldId};
use vacancy_api::{EVENT_SEQ, Failure, HoldNotFound, Unavailable};

use crate::api::state::AppState;

/// Give a hold back
///
/// Repeating it changes nothing.
#[utoipa::path(
    delete,
    path = "/api/v1/holds/{id}",
    tag = "holds",
    params(
        ("id" = String, Path, description = "The hold", format = Uuid),
        ("X-Request-Timeout-Ms" = Option<u64>, Header, description = "How long the caller waits, milliseconds: what is not decided by then is not done"),
    ),
    responses(
        (status = NO_CONTENT, description = "It holds nothing any more", headers(("Event-Seq" = u64, description = "The answer's seq"))),
        HoldNotFound,
        (status = CONFLICT, description = "It is confirmed", body = ProblemDetails, content_type = "application/problem+json", headers(("Event-Seq" = u64, description = "The seq at which it was refused"))),
        Unavailable,
    )
)]
pub async fn release_hold(
    State(app): State<AppState>,
    PathParams(hold): PathParams<HoldId>,
    deadline: CallerDeadline,
) -> Result<Response, Failure> {
    let reply = app.submit(CommandKind::Release { hold }, IdempotencyKey(None), deadline).await?;
    reply.result?;
    Ok((StatusCode::NO_CONTENT, [(EVENT_SEQ, HeaderValue::from(reply.seq))]).into_response())
}
