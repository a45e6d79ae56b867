//! `POST /api/v1/events/{event}/waitlist`.

use axum::{extract::State, response::Response};
use http_server::{
    Problem,
    extract::{JsonBody, PathParams},
    problem::ProblemDetails,
};
use inventory::{CommandKind, EventName};
use vacancy_api::{
    BodyErrors, EventParam, HoldReceipt, JoinWaitlistBody, KeyErrors, KeyParam, NotOpenYet,
    SaleClosed, TimeoutParam, Unavailable, items_from,
};

use crate::{calls::holds::created, state::PublicState, write::WriteHead};

/// Wait for tickets that return
///
/// For events with `return_mode: "list"`, while the items are not available. What is released,
/// expires or is refunded becomes a hold of the first entry that it suffices for, before anybody
/// else can see it. `id` is that hold: read `GET /holds/{id}`, or receive the webhook
/// `hold_offered`.
#[utoipa::path(
    post,
    path = "/api/v1/events/{event}/waitlist",
    tag = "waitlist",
    request_body = JoinWaitlistBody,
    params(EventParam, KeyParam, TimeoutParam),
    responses(
        (
            status = CREATED,
            body = HoldReceipt,
            headers(
                ("Location" = String, description = "The hold that it becomes"),
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
            description = "The items are available (`available`) or more than there are (`sold_out`), the event has no waiting list (`waitlist_closed`), it is full (`waitlist_full`), or the limit per customer is reached",
            body = ProblemDetails,
            content_type = "application/problem+json",
            headers(("Event-Seq" = u64, description = "The seq at which it was refused")),
        ),
        SaleClosed,
        BodyErrors,
        NotOpenYet,
        Unavailable,
    )
)]
pub async fn join_waitlist(
    State(app): State<PublicState>,
    PathParams(event): PathParams<EventName>,
    head: WriteHead,
    JsonBody(JoinWaitlistBody { items, customer }): JsonBody<JoinWaitlistBody>,
) -> Result<Response, Problem> {
    let items = items_from(items, app.limits())?;
    let kind = CommandKind::JoinWaitlist { event, items, customer };
    app.write(head, kind, created).await
}
