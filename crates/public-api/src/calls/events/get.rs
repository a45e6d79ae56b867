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
use vacancy_api::{
    BeyondLedger, ConditionParams, Event, EventNotFound, EventParam, EventSeqParam, Unavailable,
};

use super::find_event;
use crate::{
    age::age,
    at_least::AtLeast,
    conditional::{event_tag, read},
    state::PublicState,
};

/// Read an event
///
/// The `ETag` changes with the counts. A PUT with it in `If-Match` goes by the settings alone.
#[utoipa::path(
    get,
    path = "/api/v1/events/{event}",
    tag = "events",
    params(
        EventParam,
        ConditionParams,
        EventSeqParam,
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
        BeyondLedger,
        Unavailable,
    )
)]
pub async fn get_event(
    State(app): State<PublicState>,
    PathParams(event): PathParams<EventName>,
    at_least: AtLeast,
    conditions: Preconditions,
) -> Result<Response, Problem> {
    let reading = find_event(&app, &event, at_least).await?;
    let (frame, stale) = (&reading.frame, reading.stale.is_some());
    let tag = event_tag(frame.settings_seq, frame.event.seq, stale);
    let response = read(&conditions, &tag, reading.event().as_ref())?;
    Ok((age(reading.stale), response).into_response())
}
