use axum::extract::State;
use http_server::{
    extract::{CallerDeadline, IdempotencyKey, JsonBody, PathParams},
    problem::ProblemDetails,
};
use inventory::{CommandKind, HoldId, Outcome};
use vacancy_api::{
    BodyErrors, ExtendBody, Failure, HoldNotFound, HoldReceipt, KeyErrors, Unavailable,
    WriteResponse, unexpected,
};

use super::ttl_ms;
use crate::api::state::AppState;

/// Hold for longer
///
/// From now on for `ttl_s` seconds, and in all no longer than HOLD_LIFETIME_MAX_S from when the
/// hold was made.
#[utoipa::path(
    post,
    path = "/api/v1/holds/{id}/extend",
    tag = "holds",
    request_body = ExtendBody,
    params(
        ("id" = String, Path, description = "The hold", format = Uuid),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the call safe to repeat"),
        ("X-Request-Timeout-Ms" = Option<u64>, Header, description = "How long the caller waits, milliseconds: what is not decided by then is not done"),
    ),
    responses(
        (status = OK, body = HoldReceipt, headers(("Event-Seq" = u64, description = "The answer's seq"))),
        KeyErrors,
        HoldNotFound,
        (status = CONFLICT, description = "Confirmed or released, or its longest life is reached", body = ProblemDetails, content_type = "application/problem+json", headers(("Event-Seq" = u64, description = "The seq at which it was refused"))),
        (status = GONE, description = "Expired", body = ProblemDetails, content_type = "application/problem+json", headers(("Event-Seq" = u64, description = "The seq at which it was refused"))),
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
