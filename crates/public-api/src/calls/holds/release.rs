//! `DELETE /api/v1/holds/{id}`.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode};
use http_server::{
    extract::{PathParams, Preconditions},
    problem::ProblemDetails,
};
use inventory::{CommandKind, HoldId};
use vacancy_api::{
    ConditionParams, EVENT_SEQ, Failure, HoldNotFound, HoldParam, TimeoutParam, Unavailable,
};

use crate::{
    conditional::{hold_tag, unmet},
    state::PublicState,
    write::WriteHead,
};

/// Release a hold
///
/// A repeated call changes nothing.
#[utoipa::path(
    delete,
    path = "/api/v1/holds/{id}",
    tag = "holds",
    params(
        HoldParam,
        ConditionParams,
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
    State(app): State<PublicState>,
    PathParams(hold): PathParams<HoldId>,
    head: WriteHead,
    conditions: Preconditions,
) -> Result<Response, Failure> {
    if !conditions.is_empty() {
        // Without a hold, the refusal says so.
        if let Some(hold) = app.client().hold(hold, head.trace().clone()).await? {
            let (seq, tag) = (hold.seq, hold_tag(&hold));
            conditions
                .check(true, |wanted| wanted == tag)
                .map_err(|which| Failure::new(unmet(which).with("seq", seq), Some(seq)))?;
        }
    }
    let seq = app.write_without_key(head, CommandKind::Release { hold }).await?.seq();
    Ok((StatusCode::NO_CONTENT, [(EVENT_SEQ, HeaderValue::from(seq))]).into_response())
}
