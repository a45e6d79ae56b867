//! `GET /api/v1/events/{event}/queue/draw`.

use axum::{Json, extract::State};
use http_server::{Problem, extract::PathParams, problem::ProblemDetails};
use inventory::EventName;
use vacancy_api::{EventParam, QueueDraw, Unavailable};

use super::{draw_not_found, find_queue};
use crate::state::PublicState;

/// Read the draw of a waiting room
///
/// What it committed to before anybody joined, the root of its places, and its seed: with the
/// places of `queue/leaves`, anyone can check the order, as `ticket verify-draw` does.
#[utoipa::path(
    get,
    path = "/api/v1/events/{event}/queue/draw",
    tag = "queue",
    params(EventParam),
    responses(
        (status = OK, body = QueueDraw),
        (
            status = NOT_FOUND,
            description = "The event does not exist, or its waiting room has no draw",
            body = ProblemDetails,
            content_type = "application/problem+json",
        ),
        Unavailable,
    )
)]
pub async fn read_draw(
    State(app): State<PublicState>,
    PathParams(event): PathParams<EventName>,
) -> Result<Json<QueueDraw>, Problem> {
    let queue = find_queue(&app, &event).await?;
    QueueDraw::of(event.as_str(), &queue).map(Json).ok_or_else(draw_not_found)
}
