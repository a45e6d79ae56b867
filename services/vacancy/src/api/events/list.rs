//! `GET /api/v1/events`.

use axum::{Json, extract::State};
use http_server::{Problem, extract::QueryParams, problem::ProblemDetails};
use inventory::EventName;
use serde::Deserialize;
use utoipa::IntoParams;
use vacancy_api::{Event, EventList, Unavailable};
use vacancy_service::problem_of_engine;

use crate::api::state::AppState;

/// The page.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Page {
    /// Events after this name.
    #[param(value_type = Option<String>, min_length = 1, max_length = 64, pattern = r"^[a-z0-9][a-z0-9_.-]*$")]
    after: Option<EventName>,
    /// Entries per page, from 1 to MAX_PAGE. Default: 100.
    #[param(minimum = 1)]
    limit: Option<usize>,
}

/// List events by name
///
/// An event that is `stale` has the counts of the last successful read. Deleted events are left
/// out, so a page may have fewer entries than `limit`; `next` says whether another one follows.
#[utoipa::path(
    get,
    path = "/api/v1/events",
    tag = "events",
    params(Page),
    responses(
        (status = OK, body = EventList),
        (
            status = UNPROCESSABLE_ENTITY,
            description = "A parameter is invalid",
            body = ProblemDetails,
            content_type = "application/problem+json",
        ),
        Unavailable,
    )
)]
pub async fn list_events(
    State(app): State<AppState>,
    QueryParams(page): QueryParams<Page>,
) -> Result<Json<EventList>, Problem> {
    let len = app.page_len(page.limit)?;
    let (views, more) = app
        .engine()
        .events(page.after.as_ref(), len)
        .await
        .map_err(|error| problem_of_engine(&error))?;
    let next = views.last().filter(|_| more).map(|last| last.view.event.name.to_string());
    let events = views.iter().filter(|view| !view.view.event.is_deleted());
    let events = events.map(|view| Event::of(&view.view, view.stale.is_some())).collect();
    Ok(Json(EventList { events, next }))
}
