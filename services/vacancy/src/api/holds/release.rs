//! `DELETE /api/v1/holds/{id}`.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode};
use http_server::{
    extract::{CallerDeadline, IdempotencyKey, PathParams, Preconditions},
    problem::ProblemDetails,
};
use inventory::{CommandKind, HoldId};
use vacancy_api::{EVENT_SEQ, Failure, HoldNotFound, TimeoutParam, Unavailable};
use vacancy_service::problem_of_engine;

use crate::api::{
    conditional::{hold_tag, unmet},
    state::AppState,
};

/// Release a hold
///
/// A repeated call changes nothing.
#[utoipa::path(
    delete,
    path = "/api/v1/holds/{id}",
    tag = "holds",
    params(
        ("id" = String, Path, description = "The hold", format = Uuid),
        ("If-Match" = Option<String>, Header, description = "Only if one of these ETags is current"),
        ("If-None-Match" = Option<String>, Header, description = "Only if none of these ETags is current"),
        TimeoutParam,
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
        (
            status = PRECONDITION_FAILED,
            description = "A precondition does not hold",
            body = ProblemDetails,
            content_type = "application/problem+json",
            headers(("Event-Seq" = u64, description = "The `seq` of the hold")),
        ),
        Unavailable,
    )
)]
pub async fn release_hold(
    State(app): State<AppState>,
    PathParams(hold): PathParams<HoldId>,
    deadline: CallerDeadline,
    conditions: Preconditions,
) -> Result<Response, Failure> {
    if !conditions.is_empty() {
        let current = app.engine().hold(hold).await.map_err(|error| problem_of_engine(&error))?;
        let now_ms = app.engine().now_ms();
        // Without a hold, the refusal says so.
        if let Some(hold) = current {
            let tag = hold_tag(hold.seq, hold.state_at(now_ms));
            conditions.check(true, |wanted| wanted == tag).map_err(|which| {
                Failure::new(unmet(which).with("seq", hold.seq), Some(hold.seq))
            })?;
        }
    }
    let reply = app.submit(CommandKind::Release { hold }, IdempotencyKey(None), deadline).await?;
    reply.result?;
    Ok((StatusCode::NO_CONTENT, [(EVENT_SEQ, HeaderValue::from(reply.seq))]).into_response())
}
