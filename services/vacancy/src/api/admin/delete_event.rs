//! `DELETE /api/v1/admin/events/{event}`.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode};
use http_server::{
    Problem,
    extract::{CallerDeadline, IdempotencyKey, PathParams, Preconditions},
    problem::ProblemDetails,
};
use inventory::{CommandKind, EventName};
use vacancy_api::{AdminErrors, EVENT_SEQ, EventNotFound, EventParam, Failure, Unavailable};

use super::put_event::{Expected, expected};
use crate::api::state::{Admin, AppState};

/// Delete an event without sales
///
/// Only while none of it is held or sold. A repeated call changes nothing. The ledger remains, and
/// goes on if you create the event again; it still counts for MAX_EVENTS.
#[utoipa::path(
    delete,
    path = "/api/v1/admin/events/{event}",
    tag = "admin",
    security(("admin" = [])),
    params(
        EventParam,
        ("If-Match" = Option<String>, Header, description = "The ETag of the version to delete"),
        ("If-None-Match" = Option<String>, Header, description = "Only if none of these ETags is current"),
    ),
    responses(
        (
            status = NO_CONTENT,
            description = "The event is deleted",
            headers(("Event-Seq" = u64, description = "The `seq` of the response")),
        ),
        AdminErrors,
        EventNotFound,
        (
            status = CONFLICT,
            description = "Some of it is held or sold (`event_in_use`), or it is the default event (`default_event`)",
            body = ProblemDetails,
            content_type = "application/problem+json",
            headers(("Event-Seq" = u64, description = "The seq at which it was refused")),
        ),
        (
            status = PRECONDITION_FAILED,
            description = "The event changed in the meantime",
            body = ProblemDetails,
            content_type = "application/problem+json",
            headers(("Event-Seq" = u64, description = "The seq at which it was refused")),
        ),
        Unavailable,
    )
)]
pub async fn delete_event(
    _: Admin,
    State(app): State<AppState>,
    PathParams(event): PathParams<EventName>,
    conditions: Preconditions,
) -> Result<Response, Failure> {
    if event == *app.stock().event() {
        let detail = "The calls that name no event sell from this one, so it cannot be deleted.";
        let title = "Default event";
        return Err(Problem::new(StatusCode::CONFLICT, "default_event", title, detail).into());
    }
    let if_settings_seq = if conditions.is_empty() {
        None
    } else {
        match expected(&app, &event, &conditions).await? {
            Expected::Version(settings_seq) => Some(settings_seq),
            Expected::Any | Expected::Nothing => None,
        }
    };
    let kind = CommandKind::DeleteEvent { event, if_settings_seq };
    let reply = app.submit(kind, IdempotencyKey(None), CallerDeadline::default()).await?;
    reply.result?;
    Ok((StatusCode::NO_CONTENT, [(EVENT_SEQ, HeaderValue::from(reply.seq))]).into_response())
}
