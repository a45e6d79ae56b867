use axum::extract::State;
use http_server::{
    extract::{CallerDeadline, IdempotencyKey, JsonBody, PathParams},
    problem::ProblemDetails,
};
use inventory::{CommandKind, HoldId, Outcome};

use super::ttl_ms;
use crate::{
    api::{Answer, App, Failure, unexpected},
    wire::{ExtendBody, HoldAnswer},
};

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
        (status = OK, body = HoldAnswer, headers(("Event-Seq" = u64, description = "The answer's seq"))),
        (status = BAD_REQUEST, description = "The body is not JSON, or the key is malformed", body = ProblemDetails, content_type = "application/problem+json"),
        (status = NOT_FOUND, description = "There is no such hold", body = ProblemDetails, content_type = "application/problem+json"),
        (status = CONFLICT, description = "Confirmed or released, or its longest life is reached", body = ProblemDetails, content_type = "application/problem+json", headers(("Event-Seq" = u64, description = "The seq at which it was refused"))),
        (status = GONE, description = "Expired", body = ProblemDetails, content_type = "application/problem+json", headers(("Event-Seq" = u64, description = "The seq at which it was refused"))),
        (status = REQUEST_TIMEOUT, description = "The body did not arrive in time", body = ProblemDetails, content_type = "application/problem+json"),
        (status = PAYLOAD_TOO_LARGE, description = "The body is too large", body = ProblemDetails, content_type = "application/problem+json"),
        (status = UNSUPPORTED_MEDIA_TYPE, description = "The body is not application/json", body = ProblemDetails, content_type = "application/problem+json"),
        (status = UNPROCESSABLE_ENTITY, description = "A field is wrong, or the key was used for another request", body = ProblemDetails, content_type = "application/problem+json"),
        (status = SERVICE_UNAVAILABLE, description = "Try again later", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub async fn extend_hold(
    State(app): State<App>,
    PathParams(hold): PathParams<HoldId>,
    key: IdempotencyKey,
    deadline: CallerDeadline,
    JsonBody(body): JsonBody<ExtendBody>,
) -> Result<Answer<HoldAnswer>, Failure> {
    let ttl_ms = ttl_ms(app.engine().limits(), body.ttl_s)?;
    let reply = app.submit(CommandKind::Extend { hold, ttl_ms }, key, deadline).await?;
    match reply.result? {
        Outcome::Extended { id, items, expires_at_ms } => {
            Ok(Answer::ok(reply.seq, HoldAnswer::held(&id, &items, expires_at_ms, reply.seq)))
        }
        other => Err(unexpected(&other).into()),
    }
}
