use axum::extract::State;
use http_server::{
    extract::{CallerDeadline, IdempotencyKey, OptionalJson, PathParams},
    problem::ProblemDetails,
};
use inventory::{CommandKind, HoldId, Outcome};

use crate::{
    api::{Answer, App, Failure, unexpected},
    wire::{ConfirmBody, HoldAnswer},
};

/// Sell what is held
///
/// Repeating it gives the same answer. A hold that is out of time is sold all the same while its
/// items can still be had.
#[utoipa::path(
    post,
    path = "/api/v1/holds/{id}/confirm",
    tag = "holds",
    request_body(content = Option<ConfirmBody>),
    params(
        ("id" = String, Path, description = "The hold", format = Uuid),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the call safe to repeat"),
        ("X-Request-Timeout-Ms" = Option<u64>, Header, description = "How long the caller waits, milliseconds: what is not decided by then is not done"),
    ),
    responses(
        (status = OK, body = HoldAnswer, headers(("Event-Seq" = u64, description = "The answer's seq"))),
        (status = BAD_REQUEST, description = "The body is not JSON, or the key is malformed", body = ProblemDetails, content_type = "application/problem+json"),
        (status = NOT_FOUND, description = "There is no such hold", body = ProblemDetails, content_type = "application/problem+json"),
        (status = CONFLICT, description = "Released, or the customer's limit is reached", body = ProblemDetails, content_type = "application/problem+json", headers(("Event-Seq" = u64, description = "The seq at which it was refused"))),
        (status = GONE, description = "Expired, and its items are gone", body = ProblemDetails, content_type = "application/problem+json", headers(("Event-Seq" = u64, description = "The seq at which it was refused"))),
        (status = REQUEST_TIMEOUT, description = "The body did not arrive in time", body = ProblemDetails, content_type = "application/problem+json"),
        (status = PAYLOAD_TOO_LARGE, description = "The body is too large", body = ProblemDetails, content_type = "application/problem+json"),
        (status = UNSUPPORTED_MEDIA_TYPE, description = "The body is not application/json", body = ProblemDetails, content_type = "application/problem+json"),
        (status = UNPROCESSABLE_ENTITY, description = "A field is wrong, or the key was used for another request", body = ProblemDetails, content_type = "application/problem+json"),
        (status = SERVICE_UNAVAILABLE, description = "Try again later", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub async fn confirm_hold(
    State(app): State<App>,
    PathParams(hold): PathParams<HoldId>,
    key: IdempotencyKey,
    deadline: CallerDeadline,
    OptionalJson(body): OptionalJson<ConfirmBody>,
) -> Result<Answer<HoldAnswer>, Failure> {
    let reply = app
        .submit(CommandKind::Confirm { hold, payment_ref: body.payment_ref }, key, deadline)
        .await?;
    match reply.result? {
        Outcome::Confirmed { id, items, payment_ref } => Ok(Answer::ok(
            reply.seq,
            HoldAnswer::confirmed(&id, &items, payment_ref.as_ref(), reply.seq),
        )),
        other => Err(unexpected(&other).into()),
    }
}
