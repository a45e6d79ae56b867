//! `GET /api/v1/holds/{id}`.

use axum::{extract::State, response::Response};
use http::HeaderMap;
use http_server::{
    Problem,
    extract::{PathParams, Preconditions},
    problem::ProblemDetails,
};
use inventory::HoldId;
use vacancy_api::{ConditionParams, Hold, HoldNotFound, HoldParam, Unavailable};

use super::find_hold;
use crate::{
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
        HoldParam,
        ConditionParams,
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
    let hold = find_hold(&app, id, &headers).await?;
    read(&conditions, &hold_tag(&hold), &hold)
}
