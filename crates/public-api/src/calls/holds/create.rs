//! `POST /api/v1/holds`.

use axum::{extract::State, response::Response};
use http_server::{Problem, extract::JsonBody, problem::ProblemDetails};
use inventory::CommandKind;
use vacancy_api::{
    BodyErrors, CreateHoldBody, HoldReceipt, KeyErrors, KeyParam, NotOpenYet, PassErrors,
    PassParam, SaleClosed, TimeoutParam, Unavailable, items_from, ttl_ms,
};

use super::created;
use crate::{queue::QueuePass, state::PublicState, write::WriteHead};

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
        PassParam,
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
        SaleClosed,
        BodyErrors,
        NotOpenYet,
        PassErrors,
        Unavailable,
    )
)]
pub async fn create_hold(
    State(app): State<PublicState>,
    head: WriteHead,
    pass: QueuePass,
    JsonBody(CreateHoldBody { event, items, customer, ttl_s }): JsonBody<CreateHoldBody>,
) -> Result<Response, Problem> {
    let limits = app.limits();
    let items = items_from(items, limits)?;
    let ttl_ms = ttl_s.map(|ttl_s| ttl_ms(limits, ttl_s)).transpose()?;
    let pass = pass.of(&event);
    let kind = CommandKind::Hold { event, items, customer, ttl_ms, pass };
    app.write(head, kind, created).await
}
