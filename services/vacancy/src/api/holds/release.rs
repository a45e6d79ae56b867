//! `DELETE /api/v1/holds/{id}`.

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

/// Release a hold
///
/// A repeated call changes nothing.
#[utoipa::path(
    delete,
    path = "/api/v1/holds/{id}",
    tag = "holds",
    params(
        ("id" = String, Path, description = "The hold", format = Uuid),
        (
            "X-Request-Timeout-Ms" = Option<u64>,
            Header,
            description = "Milliseconds that the caller waits. The service drops the request after this time.",
        ),
    ),
    responses(
        (
            status = NO_CONTENT,
            description = "The hold is released",
            headers(("Event-Seq" = u64, description = "The `seq` of the response")),
        ),
        HoldNotFound,
        (
            status = CONFLICT,
            description = "The hold is confirmed",
            body = ProblemDetails,
            content_type = "application/problem+json",
            headers(("Event-Seq" = u64, description = "The seq at which it was refused")),
        ),
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
