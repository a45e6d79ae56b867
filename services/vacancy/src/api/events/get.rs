//! `GET /api/v1/events/{event}`.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, header};
use http_server::{Problem, extract::PathParams};
use inventory::{EventName, Refusal, RefusalKind};
use vacancy_api::{Event, EventNotFound, Unavailable, problem_of_refusal};
use vacancy_service::problem_of_engine;

use super::etag_of;
use crate::api::{age::age, state::AppState};

/// Read an event
#[utoipa::path(
    get,
    path = "/api/v1/events/{event}",
    tag = "events",
    params(("event" = String, Path, description = "The event", min_length = 1, max_length = 64, pattern = r"^[a-z0-9][a-z0-9_.-]*$")),
    responses(
        (
            status = OK,
            body = Event,
            headers(
                ("ETag" = String, description = "The version of the settings and capacities"),
                (
                    "Age" = Option<u64>,
                    description = "Only with `stale`: the age of the counts in seconds"
                ),
            ),
        ),
        EventNotFound,
        Unavailable,
    )
)]
pub async fn get_event(
    State(app): State<AppState>,
    PathParams(event): PathParams<EventName>,
) -> Result<Response, Problem> {
    let view = app.engine().event(&event).await.map_err(|error| problem_of_engine(&error))?;
    let view = view.ok_or_else(|| {
        problem_of_refusal(&Refusal { seq: None, kind: RefusalKind::EventNotFound })
    })?;
    // Counts change without the ETag changing, so no cache may answer for us.
    let headers = [
        (header::ETAG, etag_of(&view)),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    Ok((age(view.stale), headers, Json(Event::of(&view.view, view.stale.is_some())))
        .into_response())
}
