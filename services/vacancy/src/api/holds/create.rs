//! `POST /api/v1/holds`.

use axum::extract::State;
use http_server::{
    Problem,
    extract::{CallerDeadline, IdempotencyKey, JsonBody},
    problem::ProblemDetails,
};
use inventory::{CommandKind, Outcome};
use vacancy_api::{
    BodyErrors, CreateHoldBody, Failure, HoldReceipt, KeyErrors, KeyParam, NotOpenYet,
    TimeoutParam, Unavailable, WriteResponse, items_from, unexpected,
};

use super::ttl_ms;
use crate::api::state::AppState;

/// Hold tickets for a while
///
/// Takes all items or none out of sale until you confirm or release the hold, or it expires.
/// `total` is the price of the items now; later changes of prices do not change it.
#[utoipa::path(
    post,
    path = "/api/v1/holds",
    tag = "holds",
    request_body = CreateHoldBody,
    params(
        KeyParam,
        TimeoutParam,
    ),
    responses(
        (
            status = CREATED,
            body = HoldReceipt,
            headers(
                ("Location" = String, description = "The hold"),
                ("Event-Seq" = u64, description = "The `seq` of the response"),
            ),
        ),
        KeyErrors,
        (
            status = NOT_FOUND,
            description = "The event or stock does not exist",
            body = ProblemDetails,
            content_type = "application/problem+json",
        ),
        (
            status = CONFLICT,
            description = "Sold out, or the limit per customer is reached",
            body = ProblemDetails,
            content_type = "application/problem+json",
            headers(("Event-Seq" = u64, description = "The seq at which it was refused")),
        ),
        (
            status = GONE,
            description = "The sale has closed",
            body = ProblemDetails,
            content_type = "application/problem+json",
            headers(("Event-Seq" = u64, description = "The seq at which it was refused")),
        ),
        BodyErrors,
        NotOpenYet,
        Unavailable,
    )
)]
pub async fn create_hold(
    State(app): State<AppState>,
    key: IdempotencyKey,
    deadline: CallerDeadline,
    JsonBody(body): JsonBody<CreateHoldBody>,
) -> Result<WriteResponse<HoldReceipt>, Failure> {
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
        Outcome::Held { id, items, expires_at_ms, total } => {
            let body = HoldReceipt::held(&id, &items, expires_at_ms, reply.seq).priced(total);
            Ok(WriteResponse::created(reply.seq, body).at(format!("/api/v1/holds/{id}")))
        }
        other => Err(unexpected(&other).into()),
    }
}
