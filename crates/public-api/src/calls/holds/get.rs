//! `GET /api/v1/holds/{id}`.

use axum::{extract::State, response::Response};
use http::HeaderMap;
use http_server::{
    Problem,
    extract::{PathParams, Preconditions},
    problem::ProblemDetails,
};
use inventory::{HoldId, Refusal, RefusalKind};
use vacancy_api::{Hold, HoldNotFound, Unavailable, problem_of_refusal};

use crate::{
    client::TraceHeaders,
    conditional::{hold_tag, read},
    state::PublicState,
};

/// Read a hold or reservation
///
/// A hold is `expired` from its expiry time on.
#[utoipa::path(
    get,
    path = "/api/v1/holds/{id}",
    tag = "holds",
    params(
        ("id" = String, Path, description = "The hold", format = Uuid),
        ("If-Match" = Option<String>, Header, description = "Only if one of these ETags is current"),
        ("If-None-Match" = Option<String>, Header, description = "Only if none of these ETags is current"),
    ),
    responses(
        (
            status = OK,
            body = Hold,
            headers(("ETag" = String, description = "The last change and the state")),
        ),
        (status = NOT_MODIFIED, description = "If-None-Match names the current ETag"),
        (
            status = PRECONDITION_FAILED,
            description = "If-Match names no current ETag",
            body = ProblemDetails,
            content_type = "application/problem+json",
        ),
        HoldNotFound,
        Unavailable,
    )
)]
pub async fn get_hold(
    State(app): State<PublicState>,
    PathParams(id): PathParams<HoldId>,
    headers: HeaderMap,
    conditions: Preconditions,
) -> Result<Response, Problem> {
    let hold = app.client().hold(id, TraceHeaders::of(&headers)).await;
    let hold = hold.map_err(|error| error.into_problem().0)?;
    let hold = hold.ok_or_else(|| {
        problem_of_refusal(&Refusal { seq: None, kind: RefusalKind::HoldNotFound })
    })?;
    read(&conditions, &hold_tag(hold.0.seq, hold.state()), &hold.0)
}
