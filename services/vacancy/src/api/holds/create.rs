use axum::extract::State;
use http_server::{
    Problem,
    extract::{CallerDeadline, IdempotencyKey, JsonBody},
    problem::ProblemDetails,
};
use inventory::{CommandKind, Outcome};

use super::ttl_ms;
use crate::{
    api::{Answer, App, Failure, unexpected},
    wire::{CreateHoldBody, HoldAnswer, items_from},
};

/// Hold tickets for a while
///
/// All items or none are taken out of sale until the hold is confirmed, released or out of time.
#[utoipa::path(
    post,
    path = "/api/v1/holds",
    tag = "holds",
    request_body = CreateHoldBody,
    params(
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the call safe to repeat"),
        ("X-Request-Timeout-Ms" = Option<u64>, Header, description = "How long the caller waits, milliseconds: what is not decided by then is not done"),
    ),
    responses(
        (status = CREATED, body = HoldAnswer, headers(("Location" = String, description = "The hold"), ("Event-Seq" = u64, description = "The answer's seq"))),
        (status = BAD_REQUEST, description = "The body is not JSON, or the key is malformed", body = ProblemDetails, content_type = "application/problem+json"),
        (status = NOT_FOUND, description = "There is no such event or stock", body = ProblemDetails, content_type = "application/problem+json"),
        (status = CONFLICT, description = "Sold out, or the customer's limit is reached", body = ProblemDetails, content_type = "application/problem+json", headers(("Event-Seq" = u64, description = "The seq at which it was refused"))),
        (status = GONE, description = "The sale has closed", body = ProblemDetails, content_type = "application/problem+json", headers(("Event-Seq" = u64, description = "The seq at which it was refused"))),
        (status = REQUEST_TIMEOUT, description = "The body did not arrive in time", body = ProblemDetails, content_type = "application/problem+json"),
        (status = PAYLOAD_TOO_LARGE, description = "The body is too large", body = ProblemDetails, content_type = "application/problem+json"),
        (status = UNSUPPORTED_MEDIA_TYPE, description = "The body is not application/json", body = ProblemDetails, content_type = "application/problem+json"),
        (status = UNPROCESSABLE_ENTITY, description = "A field is wrong, or the key was used for another request", body = ProblemDetails, content_type = "application/problem+json"),
        (status = 425, description = "The sale has not opened", body = ProblemDetails, content_type = "application/problem+json", headers(("Event-Seq" = u64, description = "The seq at which it was refused"))),
        (status = SERVICE_UNAVAILABLE, description = "Try again later", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub async fn create_hold(
    State(app): State<App>,
    key: IdempotencyKey,
    deadline: CallerDeadline,
    JsonBody(body): JsonBody<CreateHoldBody>,
) -> Result<Answer<HoldAnswer>, Failure> {
    let limits = app.engine().limits();
    let items =
        items_from(body.items, limits).map_err(|error| Problem::validation(format!("{error}.")))?;
    let ttl_ms = body.ttl_s.map(|ttl_s| ttl_ms(limits, ttl_s)).transpose()?;
    let reply = app
        .submit(
            CommandKind::Hold { event: body.event, items, customer: body.customer, ttl_ms },
            key,
            deadline,
        )
        .await?;
    match reply.result? {
        Outcome::Held { id, items, expires_at_ms } => {
            let body = HoldAnswer::held(&id, &items, expires_at_ms, reply.seq);
            Ok(Answer::created(reply.seq, body).at(format!("/api/v1/holds/{id}")))
        }
        other => Err(unexpected(&other).into()),
    }
}
