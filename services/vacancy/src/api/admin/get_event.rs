//! `GET /api/v1/admin/events/{event}`.

use std::fmt::Write as _;

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http_server::{
    Problem,
    extract::{PathParams, Preconditions},
    problem::ProblemDetails,
};
use inventory::EventName;
use public_api::{
    age,
    conditional::{event_tag, read},
};
use vacancy_api::{
    AdminErrors, AdminEvent, ConditionParams, EventNotFound, EventParam, QueueFrame, Unavailable,
    event_not_found,
};
use vacancy_service::problem_of_engine;

use crate::api::state::{Admin, AppState};

/// Read an event as an administrator
///
/// Settings, counts and `seq`. A PUT or DELETE with the `ETag` in `If-Match` goes by the settings
/// alone.
#[utoipa::path(
    get,
    path = "/api/v1/admin/events/{event}",
    tag = "admin",
    security(("admin" = [])),
    params(
        EventParam,
        ConditionParams,
    ),
    responses(
        (
            status = OK,
            body = AdminEvent,
            headers(
                ("ETag" = String, description = "The version of the settings, and the `seq` of the counts"),
                (
                    "Age" = Option<u64>,
                    description = "Only with `stale`: the age of the counts in seconds"
                ),
            ),
        ),
        (status = NOT_MODIFIED, description = "If-None-Match names the current ETag"),
        (
            status = PRECONDITION_FAILED,
            description = "If-Match names no current ETag",
            body = ProblemDetails,
            content_type = "application/problem+json",
        ),
        AdminErrors,
        EventNotFound,
        Unavailable,
    )
)]
pub async fn get_admin_event(
    _: Admin,
    State(app): State<AppState>,
    PathParams(event): PathParams<EventName>,
    conditions: Preconditions,
) -> Result<Response, Problem> {
    let seen = app.engine().event(&event).await.map_err(|error| problem_of_engine(&error))?;
    let seen = seen.filter(|seen| !seen.view.event.is_deleted()).ok_or_else(event_not_found)?;
    let (current, stale) = (&seen.view.event, seen.stale.is_some());
    let event = AdminEvent::of(&seen.view, stale, app.engine().now_ms());
    let mut tag = event_tag(current.settings_seq, current.seq, stale);
    if let Some(QueueFrame { phase, eta_s, .. }) = &event.queue_state {
        // These follow from the time, too.
        let _ = write!(tag, "-{phase:?}-{}", eta_s.unwrap_or(u64::MAX));
    }
    let response = read(&conditions, &tag, &event)?;
    Ok((age(seen.stale), response).into_response())
}
