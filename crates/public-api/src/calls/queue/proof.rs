//! `GET /api/v1/events/{event}/queue/proof`.

use axum::{Json, extract::State};
use http_server::{
    Problem,
    extract::{PathParams, QueryParams},
    problem::ProblemDetails,
};
use inventory::EventName;
use serde::Deserialize;
use utoipa::IntoParams;
use vacancy_api::{EventParam, InvalidParameter, QueueProof, Unavailable};

use super::{draw_not_found, find_queue, place::turn};
use crate::{queue::PlaceToken, state::PublicState};

/// The place.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct OfPlace {
    /// The place, signed.
    #[param(max_length = 2048)]
    place: String,
}

/// Prove that a place takes part in the draw
///
/// The path leads from the place to the root, which was published before the seed.
#[utoipa::path(
    get,
    path = "/api/v1/events/{event}/queue/proof",
    tag = "queue",
    params(EventParam, OfPlace),
    responses(
        (status = OK, body = QueueProof),
        (
            status = UNAUTHORIZED,
            description = "The place is none of this waiting room",
            body = ProblemDetails,
            content_type = "application/problem+json",
        ),
        (
            status = NOT_FOUND,
            description = "The event does not exist, its waiting room has no draw, people can still join it, or the place joined later",
            body = ProblemDetails,
            content_type = "application/problem+json",
        ),
        InvalidParameter,
        Unavailable,
    )
)]
pub async fn prove_place(
    State(app): State<PublicState>,
    PathParams(event): PathParams<EventName>,
    QueryParams(OfPlace { place }): QueryParams<OfPlace>,
) -> Result<Json<QueueProof>, Problem> {
    let queue = find_queue(&app, &event).await?;
    let place = PlaceToken::verified(&app.keys()?, &place, &event, queue.id)?;
    let drawn = app.draws().of(&event, &queue).await?.ok_or_else(draw_not_found)?;
    let n = drawn.tree.len();
    if place.index >= n {
        return Err(draw_not_found());
    }
    Ok(Json(QueueProof {
        index: place.index,
        leaf: place.leaf,
        n,
        root: drawn.tree.root(),
        path: drawn.tree.path(&drawn.leaves, place.index),
        rank: turn(&app, &event, &queue, &place).await?,
    }))
}
