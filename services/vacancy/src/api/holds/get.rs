//! `GET /api/v1/holds/{id}`.

use axum::{extract::State, response::Response};
use http_server::{
    Problem,
    extract::{PathParams, Preconditions},
    problem::ProblemDetails,
};
use inventory::{HoldId, Refusal, RefusalKind};
use vacancy_api::{Hold, HoldNotFound, Unavailable, problem_of_refusal};
use vacancy_service::problem_of_engine;

use crate::api::{
    conditional::{hold_tag, read},
    state::AppState,
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
    State(app): State<AppState>,
    PathParams(id): PathParams<HoldId>,
    conditions: Preconditions,
) -> Result<Response, Problem> {
    let hold = app.engine().hold(id).await.map_err(|error| problem_of_engine(&error))?;
    let hold = hold.ok_or_else(|| {
        problem_of_refusal(&Refusal { seq: None, kind: RefusalKind::HoldNotFound })
    })?;
    let now_ms = app.engine().now_ms();
    let tag = hold_tag(hold.seq, hold.state_at(now_ms));
    read(&conditions, &tag, &Hold::of(&hold, now_ms))
}
