//! `POST /api/v1/holds/{id}/extend`.

use axum::{extract::State, response::Response};
use http_server::{
    Problem,
    extract::{JsonBody, PathParams},
    problem::ProblemDetails,
};
use inventory::{CommandKind, HoldId};
use vacancy_api::{
    BodyErrors, ExtendBody, HoldNotFound, HoldParam, HoldReceipt, KeyErrors, KeyParam,
    TimeoutParam, Unavailable, ttl_ms,
};

use super::respond;
use crate::{state::PublicState, write::WriteHead};

/// Extend a hold
///
/// Sets the expiry time to `ttl_s` seconds from now. The total lifetime of a hold is at most
/// HOLD_LIFETIME_MAX_S.
#[utoipa::path(
    post,
    path = "/api/v1/holds/{id}/extend",
    tag = "holds",
    request_body = ExtendBody,
    params(
        HoldParam,
        KeyParam,
        TimeoutParam,
    ),
    responses(
        (
            status = OK,
            body = HoldReceipt,
            headers(("Event-Seq" = u64, description = "The `seq` of the response")),
        ),
        KeyErrors,
        HoldNotFound,
        (
            status = CONFLICT,
            description = "Confirmed or released, or the maximum lifetime is reached",
            body = ProblemDetails,
            content_type = "application/problem+json",
            headers(("Event-Seq" = u64, description = "The seq at which it was refused")),
        ),
        (
            status = GONE,
            description = "Expired",
            body = ProblemDetails,
            content_type = "application/problem+json",
            headers(("Event-Seq" = u64, description = "The seq at which it was refused")),
        ),
        BodyErrors,
        Unavailable,
    )
)]
pub async fn extend_hold(
    State(app): State<PublicState>,
    PathParams(hold): PathParams<HoldId>,
    head: WriteHead,
    JsonBody(body): JsonBody<ExtendBody>,
) -> Result<Response, Problem> {
    let ttl_ms = ttl_ms(app.limits(), body.ttl_s)?;
    app.write(head, CommandKind::Extend { hold, ttl_ms }, respond).await
}
