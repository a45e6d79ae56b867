//! `DELETE /api/v1/events/{event}/waitlist/{id}`.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode};
use http_server::{extract::PathParams, problem::ProblemDetails};
use inventory::{CommandKind, EventName, HoldId};
use vacancy_api::{
    EVENT_SEQ, EventParam, Failure, HoldNotFound, HoldParam, TimeoutParam, Unavailable,
    hold_not_found,
};

use crate::{state::PublicState, write::WriteHead};

/// Leave the waiting list
///
/// A repeated call changes nothing.
#[utoipa::path(
    delete,
    path = "/api/v1/events/{event}/waitlist/{id}",
    tag = "waitlist",
    params(EventParam, HoldParam, TimeoutParam),
    responses(
        (
            status = NO_CONTENT,
            description = "The entry is removed",
            headers(("Event-Seq" = u64, description = "The `seq` of the response")),
        ),
        HoldNotFound,
        (
            status = CONFLICT,
            description = "The items were offered (`hold_offered`): release the hold",
            body = ProblemDetails,
            content_type = "application/problem+json",
            headers(("Event-Seq" = u64, description = "The seq at which it was refused")),
        ),
        Unavailable,
    )
)]
pub async fn leave_waitlist(
    State(app): State<PublicState>,
    PathParams((event, hold)): PathParams<(EventName, HoldId)>,
    head: WriteHead,
) -> Result<Response, Failure> {
    let known = app.client().hold(hold, head.trace().clone()).await?;
    if known.is_none_or(|known| known.event != event.as_str()) {
        return Err(hold_not_found().into());
    }
    let seq = app.write_without_key(head, CommandKind::LeaveWaitlist { hold }).await?.seq();
    Ok((StatusCode::NO_CONTENT, [(EVENT_SEQ, HeaderValue::from(seq))]).into_response())
}
