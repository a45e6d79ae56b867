//! `GET /api/v1/events/{event}/queue/place`.

use axum::{Json, extract::State};
use http_server::{Problem, extract::PathParams};
use inventory::EventName;
use vacancy_api::{
    EventParam, PlaceErrors, PlaceStatus, QueueNotFound, QueueReading, Unavailable, place_invalid,
};

use super::find_queue;
use crate::{
    queue::{PlaceToken, QueuePlace},
    state::PublicState,
};

/// Read how far a place has come
///
/// `n` is its turn, and null until the draw. `called`: claim the pass until `until`, or use it.
/// `expired`: the turn has lapsed; the place is let in as soon as there is room.
#[utoipa::path(
    get,
    path = "/api/v1/events/{event}/queue/place",
    tag = "queue",
    params(EventParam, ("Queue-Place" = String, Header, description = "The place")),
    responses(
        (status = OK, body = PlaceStatus),
        PlaceErrors,
        QueueNotFound,
        Unavailable,
    )
)]
pub async fn read_place(
    State(app): State<PublicState>,
    PathParams(event): PathParams<EventName>,
    QueuePlace(token): QueuePlace,
) -> Result<Json<PlaceStatus>, Problem> {
    let queue = find_queue(&app, &event).await?;
    let place = PlaceToken::verified(&app.keys()?, &token, &event, queue.id)?;
    let n = turn(&app, &event, &queue, &place).await?;
    if n.is_none_or(|n| n > queue.serving) {
        return Ok(Json(PlaceStatus::waiting(n, queue.serving)));
    }
    let known = app.client().place(&event, place.leaf).await;
    let known = known.map_err(|error| error.into_problem().0)?.ok_or_else(place_invalid)?;
    Ok(Json(PlaceStatus::called(n, &known)))
}

/// The turn of `place`, once it is known.
pub(super) async fn turn(
    app: &PublicState,
    event: &EventName,
    queue: &QueueReading,
    place: &PlaceToken,
) -> Result<Option<u64>, Problem> {
    let Some(draw) = &queue.draw else { return Ok(Some(place.index + 1)) };
    if place.index >= draw.n {
        // It joined after the draw, or after this reading of the event.
        return Ok(draw.frozen.is_some().then_some(place.index + 1));
    }
    let Some(revealed) = &draw.revealed else { return Ok(None) };
    let Some(drawn) = app.draws().of(event, queue).await? else { return Ok(None) };
    let order = drawn.order(&revealed.key).await?;
    Ok(order.rank(revealed.key.threshold_of(&place.leaf)))
}
