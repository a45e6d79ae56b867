//! `GET /api/v1/events/{event}/queue/stream`.

use axum::{extract::State, response::Response};
use http::HeaderMap;
use http_server::{Problem, extract::PathParams};
use inventory::EventName;
use vacancy_api::{EventParam, QueueFrame, QueueNotFound, Unavailable, queue_not_found};

use crate::{calls::events::stream::follow, state::PublicState, topics::Subject};

/// Follow a waiting room
///
/// Server-sent events, the same for all: `data` is a frame, at most two per second. A client finds
/// the distance of its own place with `serving`. A comment follows after 15 seconds of silence. The
/// stream ends when the service shuts down; `retry` says when to connect again.
#[utoipa::path(
    get,
    path = "/api/v1/events/{event}/queue/stream",
    tag = "queue",
    params(EventParam),
    responses(
        (status = OK, body = QueueFrame, content_type = "text/event-stream"),
        QueueNotFound,
        Unavailable,
    )
)]
pub async fn stream_queue(
    State(app): State<PublicState>,
    PathParams(event): PathParams<EventName>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    follow(&app, &event, Subject::Queue, &headers).await?.ok_or_else(queue_not_found)
}
