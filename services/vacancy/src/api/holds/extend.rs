//! `POST /api/v1/holds/{id}/extend`.

use axum::extract::State;
use http_server::{
    extract::{CallerDeadline, IdempotencyKey, JsonBody, PathParams},
    problem::ProblemDetails,
};
use inventory::{CommandKind, HoldId, Outcome};
use vacancy_api::{
    BodyErrors, ExtendBody, Failure, HoldNotFound, HoldReceipt, KeyErrors, KeyParam, TimeoutParam,
    Unavailable, WriteResponse, unexpected,
};

use super::ttl_ms;
use crate::api::state::AppState;

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
        ("id" = String, Path, description = "The hold", format = Uuid),
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
    State(app): State<AppState>,
    PathParams(hold): PathParams<HoldId>,
    key: IdempotencyKey,
    deadline: CallerDeadline,
    JsonBody(body): JsonBody<ExtendBody>,
) -> Result<WriteResponse<HoldReceipt>, Failure> {
    let ttl_ms = ttl_ms(app.engine().limits(), body.ttl_s)?;
    let reply = app.submit(CommandKind::Extend { hold, ttl_ms }, key, deadline).await?;
    match reply.result? {
        Outcome::Extended { id, items, expires_at_ms } => Ok(WriteResponse::ok(
            reply.seq,
            HoldReceipt::held(&id, &items, expires_at_ms, reply.seq),
        )),
        other => Err(unexpected(&other).into()),
    }
}
