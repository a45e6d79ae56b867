//! `POST /api/v1/events/{event}/queue/pass`.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http_server::{extract::PathParams, problem::ProblemDetails};
use inventory::{CommandKind, EventName};
use vacancy_api::{
    Answer, EventParam, Failure, PassReceipt, PlaceErrors, QueueNotFound, SaleClosed, Unavailable,
    WriteResponse, misplaced, rfc3339,
};

use super::find_queue;
use crate::{
    queue::{PlaceToken, QueuePass, QueuePlace},
    state::PublicState,
    write::WriteHead,
};

/// Claim the pass of a called place
///
/// The pass goes into the header `Queue-Pass` of one hold or purchase of the event. A repeated call
/// gets the same pass.
#[utoipa::path(
    post,
    path = "/api/v1/events/{event}/queue/pass",
    tag = "queue",
    params(EventParam, ("Queue-Place" = String, Header, description = "The place")),
    responses(
        (
            status = CREATED,
            body = PassReceipt,
            headers(("Event-Seq" = u64, description = "The `seq` of the response")),
        ),
        PlaceErrors,
        QueueNotFound,
        (
            status = CONFLICT,
            description = "The place is not called yet, or its turn has lapsed and there is no room now (`not_called`)",
            body = ProblemDetails,
            content_type = "application/problem+json",
            headers(("Event-Seq" = u64, description = "The seq at which it was refused")),
        ),
        SaleClosed,
        Unavailable,
    )
)]
pub async fn claim_pass(
    State(app): State<PublicState>,
    PathParams(event): PathParams<EventName>,
    QueuePlace(token): QueuePlace,
    head: WriteHead,
) -> Result<Response, Failure> {
    let keys = app.keys()?;
    let queue = find_queue(&app, &event).await?;
    let place = PlaceToken::verified(&keys, &token, &event, queue.id)?;
    let kind = CommandKind::ClaimPass { event, queue: queue.id, leaf: place.leaf };
    // The place is its key.
    let answer = app.write_without_key(head, kind).await?;
    let Answer::Pass(claimed) = answer else {
        return Err(Failure::from(misplaced(&answer)));
    };
    let receipt = PassReceipt {
        pass: QueuePass::sign(&keys, &place, claimed.pass, claimed.pass_expires_at_ms),
        expires_at: rfc3339(claimed.pass_expires_at_ms),
    };
    Ok(WriteResponse::created(claimed.seq, receipt).into_response())
}
