//! `GET /api/v1/events/{event}/queue/challenge`.

use axum::{Json, extract::State};
use draw::Leaf;
use http::StatusCode;
use http_server::{
    Problem,
    extract::{IdempotencyKey, PathParams},
    problem::ProblemDetails,
};
use inventory::EventName;
use vacancy_api::{EventParam, KeyParam, Unavailable, WorkChallenge, key_from};

use super::find_queue;
use crate::{queue::work, state::PublicState};

/// Get a challenge for a join
///
/// Find the `number` up to `maxnumber` for which the SHA-256 of `salt` followed by `number` is
/// `challenge`, and join with the same `Idempotency-Key` and the solution in `work`, as ALTCHA's
/// widget makes it. A join without a solution counts ten times against the limit of its address.
#[utoipa::path(
    get,
    path = "/api/v1/events/{event}/queue/challenge",
    tag = "queue",
    params(EventParam, KeyParam),
    responses(
        (status = OK, body = WorkChallenge),
        (
            status = BAD_REQUEST,
            description = "The Idempotency-Key is missing or malformed",
            body = ProblemDetails,
            content_type = "application/problem+json",
        ),
        (
            status = NOT_FOUND,
            description = "The event does not exist, or has no waiting room (`queue_not_found`), or joins need no work (`work_not_needed`)",
            body = ProblemDetails,
            content_type = "application/problem+json",
        ),
        Unavailable,
    )
)]
pub async fn get_challenge(
    State(app): State<PublicState>,
    PathParams(event): PathParams<EventName>,
    key: IdempotencyKey,
) -> Result<Json<WorkChallenge>, Problem> {
    let settings = app.work().ok_or_else(not_needed)?;
    let keys = app.keys()?;
    let queue = find_queue(&app, &event).await?;
    let key = key_from(key)?.ok_or_else(|| {
        Problem::bad_request(
            "The challenge is for the Idempotency-Key of the join, which is missing.",
        )
    })?;
    let leaf = Leaf::of(event.as_str(), queue.id, key.as_str());
    work::challenge(&keys, settings, &leaf).map(Json)
}

fn not_needed() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "work_not_needed",
        "No work needed",
        "Joins need no proof of work.",
    )
}
