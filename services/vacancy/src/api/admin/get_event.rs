//! `GET /api/v1/admin/events/{event}`.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http_server::{
    Problem,
    extract::{PathParams, Preconditions},
    problem::ProblemDetails,
};
use inventory::{EventName, Refusal, RefusalKind};
use public_api::{
    age,
    conditional::{event_tag, read},
};
use vacancy_api::{AdminErrors, AdminEvent, EventNotFound, Unavailable, problem_of_refusal};
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
        ("event" = String, Path, description = "The event", min_length = 1, max_length = 64, pattern = r"^[a-z0-9][a-z0-9_.-]*$"),
        ("If-Match" = Option<String>, Header, description = "Only if one of these ETags is current"),
        ("If-None-Match" = Option<String>, Header, description = "Only if none of these ETags is current"),
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
    let seen = seen.filter(|seen| !seen.view.event.is_deleted()).ok_or_else(|| {
        problem_of_refusal(&Refusal { seq: None, kind: RefusalKind::EventNotFound })
    })?;
    let (current, stale) = (&seen.view.event, seen.stale.is_some());
    let tag = event_tag(current.settings_seq, current.seq, stale);
    let response = read(&conditions, &tag, &AdminEvent::of(&seen.view, stale))?;
    Ok((age(seen.stale), response).into_response())
}
