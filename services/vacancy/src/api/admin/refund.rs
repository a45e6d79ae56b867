use axum::extract::State;
use http_server::{
    Problem,
    extract::{CallerDeadline, IdempotencyKey, OptionalJson, PathParams},
    problem::ProblemDetails,
};
use inventory::{CommandKind, HoldId, Outcome};

use crate::{
    api::{Admin, Answer, App, Failure, unexpected},
    wire::{RefundAnswer, RefundBody, items_from},
};

/// Take sold tickets back
///
/// They can be sold again at once. Several refunds of parts are possible, until nothing is left.
#[utoipa::path(
    post,
    path = "/api/v1/admin/reservations/{id}/refunds",
    tag = "admin",
    security(("admin" = [])),
    request_body(content = Option<RefundBody>),
    params(
        ("id" = String, Path, description = "The reservation: the id of a sale, or of a confirmed hold", format = Uuid),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the call safe to repeat"),
    ),
    responses(
        (status = CREATED, body = RefundAnswer, headers(("Event-Seq" = u64, description = "The answer's seq"))),
        (status = BAD_REQUEST, description = "The body is not JSON, or the key is malformed", body = ProblemDetails, content_type = "application/problem+json"),
        (status = UNAUTHORIZED, description = "No token", body = ProblemDetails, content_type = "application/problem+json"),
        (status = FORBIDDEN, description = "A wrong token, or admin calls are off", body = ProblemDetails, content_type = "application/problem+json"),
        (status = NOT_FOUND, description = "There is no such reservation", body = ProblemDetails, content_type = "application/problem+json"),
        (status = CONFLICT, description = "Not confirmed, or already refunded", body = ProblemDetails, content_type = "application/problem+json", headers(("Event-Seq" = u64, description = "The seq at which it was refused"))),
        (status = REQUEST_TIMEOUT, description = "The body did not arrive in time", body = ProblemDetails, content_type = "application/problem+json"),
        (status = PAYLOAD_TOO_LARGE, description = "The body is too large", body = ProblemDetails, content_type = "application/problem+json"),
        (status = UNSUPPORTED_MEDIA_TYPE, description = "The body is not application/json", body = ProblemDetails, content_type = "application/problem+json"),
        (status = UNPROCESSABLE_ENTITY, description = "A field is wrong, or the key was used for another request", body = ProblemDetails, content_type = "application/problem+json"),
        (status = SERVICE_UNAVAILABLE, description = "Try again later", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub async fn refund_reservation(
    _: Admin,
    State(app): State<App>,
    PathParams(reservation): PathParams<HoldId>,
    key: IdempotencyKey,
    OptionalJson(body): OptionalJson<RefundBody>,
) -> Result<Answer<RefundAnswer>, Failure> {
    let items = body.items.map(|items| items_from(items, app.engine().limits())).transpose();
    let items = items.map_err(|error| Problem::validation(format!("{error}.")))?;
    let reply = app
        .submit(CommandKind::Refund { reservation, items }, key, CallerDeadline::default())
        .await?;
    match reply.result? {
        Outcome::Refunded { id, reservation, items } => {
            Ok(Answer::created(reply.seq, RefundAnswer::new(&id, &reservation, &items, reply.seq)))
        }
        other => Err(unexpected(&other).into()),
    }
}
