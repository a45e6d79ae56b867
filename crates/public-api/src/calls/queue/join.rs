//! `POST /api/v1/events/{event}/queue`.

use std::num::NonZeroU32;

use axum::{
    Extension,
    extract::State,
    response::{IntoResponse, Response},
};
use draw::Leaf;
use http::{HeaderMap, HeaderValue};
use http_server::{
    Problem,
    extract::{IdempotencyKey, OptionalJson, PathParams},
    middleware::Peer,
    problem::ProblemDetails,
};
use inventory::EventName;
use uuid::Uuid;
use vacancy_api::{
    BodyErrors, EventParam, Failure, JoinQueueBody, KeyErrors, KeyParam, PlaceReceipt, PlaceState,
    QueueNotFound, Unavailable, WriteResponse, key_from, quoted,
};

use super::{find_queue, place::turn};
use crate::{
    queue::{PlaceToken, work},
    state::PublicState,
};

/// What a join counts against the quota of its address without the work that joins need.
const WITHOUT_WORK: NonZeroU32 = match NonZeroU32::new(10) {
    Some(calls) => calls,
    None => NonZeroU32::MIN,
};

/// Join the waiting room of an event
///
/// Returns a place. Before the sale opens, all places of a draw are equal; later places follow in
/// the order of joining. The place follows from the `Idempotency-Key`: the same key gets the same
/// place, at any time and from any device. Anyone who knows the key or the place can use it, so a
/// key must be random, as a UUID is.
#[utoipa::path(
    post,
    path = "/api/v1/events/{event}/queue",
    tag = "queue",
    request_body = Option<JoinQueueBody>,
    params(EventParam, KeyParam),
    responses(
        (
            status = CREATED,
            body = PlaceReceipt,
            headers(
                ("Event-Seq" = u64, description = "The `seq` of the response"),
                (
                    "Idempotency-Key" = String,
                    description = "The generated key, if the request had none"
                ),
            ),
        ),
        KeyErrors,
        QueueNotFound,
        (
            status = CONFLICT,
            description = "The waiting room is closed (`queue_closed`) or full (`queue_full`)",
            body = ProblemDetails,
            content_type = "application/problem+json",
            headers(("Event-Seq" = u64, description = "The seq at which it was refused")),
        ),
        BodyErrors,
        (
            status = TOO_MANY_REQUESTS,
            description = "Too many joins from this address",
            body = ProblemDetails,
            content_type = "application/problem+json",
        ),
        Unavailable,
    )
)]
pub async fn join_queue(
    State(app): State<PublicState>,
    PathParams(event): PathParams<EventName>,
    key: IdempotencyKey,
    headers: HeaderMap,
    peer: Option<Extension<Peer>>,
    OptionalJson(JoinQueueBody { work }): OptionalJson<JoinQueueBody>,
) -> Result<Response, Failure> {
    let keys = app.keys()?;
    let queue = find_queue(&app, &event).await?;
    let (key, is_generated) = match key_from(key)? {
        Some(key) => (key, false),
        None => (new_key()?, true),
    };
    let leaf = Leaf::of(event.as_str(), queue.id, key.as_str());
    if let Some(work) = &work {
        work::check(&keys, work, &leaf)?;
    }
    if let Some(quota) = app.join_quota() {
        let has_worked = app.work().is_none() || work.is_some();
        let calls = if has_worked { NonZeroU32::MIN } else { WITHOUT_WORK };
        quota.take(&headers, peer.map(|Extension(peer)| peer), calls)?;
    }
    let joined = app.joins().join(event.clone(), queue.id, leaf).await?;
    let place = PlaceToken { event: event.to_string(), queue: queue.id, leaf, index: joined.index };
    let n = match joined.turn {
        // It has joined, even where its turn cannot be read now.
        None => turn(&app, &event, &queue, &place).await.unwrap_or_default(),
        known => known,
    };
    let receipt = PlaceReceipt { place: place.sign(&keys), state: PlaceState::Waiting, n };
    let mut response = WriteResponse::created(joined.seq, receipt).into_response();
    if is_generated && let Ok(key) = HeaderValue::try_from(quoted(&key)) {
        response.headers_mut().insert(IdempotencyKey::HEADER, key);
    }
    Ok(response)
}

fn new_key() -> Result<inventory::IdempotencyKey, Problem> {
    let key = format!("place-{}", Uuid::new_v4().simple());
    inventory::IdempotencyKey::new(&key)
        .map_err(|_| Problem::internal("A key cannot be generated."))
}
