use axum::extract::State;
use http_server::{
    Problem,
    extract::{CallerDeadline, IdempotencyKey, JsonBody},
    problem::ProblemDetails,
};
use inventory::{CommandKind, EventName, Items, Outcome, RefusalKind};
use inventory_engine::Reply;

use super::{Answer, App, Failure, unexpected};
use crate::wire::{ReserveAnswer, ReserveBody};

/// What a sale is called: the services say the same in different words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wording {
    /// "Reserved n tickets".
    Reserve,
    /// "Purchase successful!".
    Purchase,
}

/// Sell tickets at once
///
/// Of stock `general` of event `default`. Sold out is an answer, not an error. With an
/// `Idempotency-Key`, repeating the call has no second effect and gives the same answer.
#[utoipa::path(
    post,
    path = "/api/v1/reserve",
    tag = "sale",
    request_body = ReserveBody,
    params(
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the call safe to repeat"),
        ("X-Request-Timeout-Ms" = Option<u64>, Header, description = "How long the caller waits, milliseconds: what is not decided by then is not done"),
    ),
    responses(
        (status = OK, body = ReserveAnswer, headers(("Event-Seq" = u64, description = "The answer's seq"))),
        (status = BAD_REQUEST, description = "The body is not JSON, or the key is malformed", body = ProblemDetails, content_type = "application/problem+json"),
        (status = NOT_FOUND, description = "There is no event `default` with a stock `general`", body = ProblemDetails, content_type = "application/problem+json"),
        (status = CONFLICT, description = "The customer's limit is reached", body = ProblemDetails, content_type = "application/problem+json", headers(("Event-Seq" = u64, description = "The seq at which it was refused"))),
        (status = GONE, description = "The sale has closed", body = ProblemDetails, content_type = "application/problem+json", headers(("Event-Seq" = u64, description = "The seq at which it was refused"))),
        (status = REQUEST_TIMEOUT, description = "The body did not arrive in time", body = ProblemDetails, content_type = "application/problem+json"),
        (status = PAYLOAD_TOO_LARGE, description = "The body is too large", body = ProblemDetails, content_type = "application/problem+json"),
        (status = UNSUPPORTED_MEDIA_TYPE, description = "The body is not application/json", body = ProblemDetails, content_type = "application/problem+json"),
        (status = UNPROCESSABLE_ENTITY, description = "A field is wrong, or the key was used for another request", body = ProblemDetails, content_type = "application/problem+json"),
        (status = 425, description = "The sale has not opened", body = ProblemDetails, content_type = "application/problem+json", headers(("Event-Seq" = u64, description = "The seq at which it was refused"))),
        (status = SERVICE_UNAVAILABLE, description = "Try again later", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub async fn reserve(
    State(app): State<App>,
    key: IdempotencyKey,
    deadline: CallerDeadline,
    JsonBody(body): JsonBody<ReserveBody>,
) -> Result<Answer<ReserveAnswer>, Failure> {
    let kind = command(&app, app.event().clone(), &body)?;
    let reply = app.submit(kind, key, deadline).await?;
    decide(reply, Wording::Reserve).map(|answer| Answer::ok(answer.seq, answer))
}

/// The command that sells `body.qty` of stock `general` of `event`.
pub(super) fn command(
    app: &App,
    event: EventName,
    body: &ReserveBody,
) -> Result<CommandKind, Problem> {
    let qty_max = app.engine().limits().qty_max;
    if body.qty == 0 || body.qty > qty_max {
        return Err(Problem::validation(format!("qty must be between 1 and {qty_max}.")));
    }
    Ok(CommandKind::Reserve {
        event,
        items: Items::one(app.stock().clone(), body.qty),
        customer: body.customer.clone(),
    })
}

/// The answer to a sale in the words of the service. Sold out is an answer; every other refusal is
/// a failure.
///
/// # Errors
/// [`Failure`] with the reason.
pub fn decide(reply: Reply, wording: Wording) -> Result<ReserveAnswer, Failure> {
    let seq = reply.seq;
    match reply.result {
        Ok(Outcome::Sold { id, items, left }) => {
            let message = match wording {
                Wording::Reserve => format!("Reserved {} tickets", items.total()),
                Wording::Purchase => "Purchase successful!".to_owned(),
            };
            let remaining = left.first().map_or(0, |(_, left)| *left);
            Ok(ReserveAnswer {
                success: true,
                remaining,
                message,
                reservation_id: Some(id.to_string()),
                seq,
            })
        }
        Ok(other) => Err(unexpected(&other).into()),
        Err(refusal) => match &refusal.kind {
            RefusalKind::SoldOut { available } => {
                let remaining = available.first().map_or(0, |(_, left)| *left);
                let message = refusal.kind.to_string();
                Ok(ReserveAnswer { success: false, remaining, message, reservation_id: None, seq })
            }
            _ => Err(refusal.into()),
        },
    }
}
