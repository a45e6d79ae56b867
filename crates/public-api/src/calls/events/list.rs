//! `GET /api/v1/events`.

use std::borrow::Cow;

use axum::{Json, extract::State};
use http_server::{Problem, extract::QueryParams};
use inventory::EventName;
use serde::Deserialize;
use utoipa::IntoParams;
use vacancy_api::{EventList, InvalidParameter, Unavailable};

use crate::{reading::EventReading, state::PublicState};

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
        InvalidParameter,
        Unavailable,
    )
)]
pub async fn list_events(
    State(app): State<PublicState>,
    QueryParams(page): QueryParams<Page>,
) -> Result<Json<EventList>, Problem> {
    let len = app.page_len(page.limit)?;
    let page = app.client().events(page.after.as_ref(), len).await;
    let page = page.map_err(|error| error.into_problem().0)?;
    let last = page.events.last().filter(|_| page.more);
    let next = last.map(|last| last.frame.event.event.clone());
    let events = page.events.iter().filter(|reading| !reading.frame.deleted);
    let events = events.map(EventReading::event).map(Cow::into_owned).collect();
    Ok(Json(EventList { events, next }))
}
