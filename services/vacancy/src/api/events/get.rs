//! `GET /api/v1/events/{event}`.

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
use vacancy_api::{Event, EventNotFound, Unavailable};

use super::find;
use crate::api::{
    age::age,
    conditional::{event_tag, read},
    state::AppState,
};

/// Read an event
///
/// The `ETag` changes with the counts. A PUT with it in `If-Match` goes by the settings alone.
#[utoipa::path(
    get,
    path = "/api/v1/events/{event}",
    tag = "events",
    params(
        ("event" = String, Path, description = "The event", min_length = 1, max_length = 64, pattern = r"^[a-z0-9][a-z0-9_.-]*$"),
        ("If-Match" = Option<String>, Header, description = "Only if one of these ETags is current"),
        ("If-None-Match" = Option<String>, Header, description = "Only if none of these ETags is current"),
    ),
    responses(
        (
            status = OK,
            body = Event,
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
        EventNotFound,
        Unavailable,
    )
)]
pub async fn get_event(
    State(app): State<AppState>,
    PathParams(event): PathParams<EventName>,
    conditions: Preconditions,
) -> Result<Response, Problem> {
    let view = find(&app, &event).await?;
    let (seen, stale) = (&view.view.event, view.stale.is_some());
    let tag = event_tag(seen.settings_seq, seen, stale);
    let response = read(&conditions, &tag, &Event::of(&view.view, stale))?;
    Ok((age(view.stale), response).into_response())
}
