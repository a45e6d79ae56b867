//! `POST /api/v1/reserve/batch`.

use axum::{Json, extract::State};
use http_server::{
    Problem,
    extract::{CallerDeadline, JsonEntries},
    middleware::CurrentRequestId,
    problem::ProblemDetails,
};
use public_api::By;
use vacancy_api::{
    Answer, BatchEntry, BatchItem, BatchSlot, BodyErrors, EntryAnswer, SlotProblem, TimeoutParam,
    Unavailable, misplaced,
};

use crate::api::{batch, state::AppState};

/// Sell to several buyers with one call
///
/// For the ticket service; the Ingress does not route it. An entry with `seller` needs the seller's
/// token in the call. Each reservation has its own key, effect
/// and response; an invalid one gets its problem in its place and fails no other. The responses
/// have the order of the reservations.
#[utoipa::path(
    post,
    path = "/api/v1/reserve/batch",
    tag = "internal",
    request_body = Vec<BatchItem>,
    params(TimeoutParam),
    responses(
        (status = OK, body = Vec<BatchSlot>),
        (
            status = BAD_REQUEST,
            description = "The body is not JSON",
            body = ProblemDetails,
            content_type = "application/problem+json",
        ),
        BodyErrors,
        (
            status = UNPROCESSABLE_ENTITY,
            description = "The body is not a list of reservations, or the batch is too large",
            body = ProblemDetails,
            content_type = "application/problem+json",
        ),
        Unavailable,
    )
)]
pub async fn reserve_batch(
    State(app): State<AppState>,
    by: By,
    deadline: CallerDeadline,
    CurrentRequestId(request_id): CurrentRequestId,
    JsonEntries(items): JsonEntries<BatchItem>,
) -> Result<Json<Vec<BatchSlot>>, Problem> {
    let entries = items.into_iter().map(|item| item.map(BatchEntry::from)).collect();
    let answers = batch::answer(&app, entries, "reservations", by.0, deadline).await?;
    let failed =
        |problem| BatchSlot::Problem(SlotProblem { problem, request_id: request_id.clone() });
    let slots = answers.entries.into_iter().map(|entry| match entry {
        Ok(EntryAnswer::Decided(Answer::Sale(sale))) => BatchSlot::Answer(sale),
        Ok(other) => failed(misplaced(&other)),
        Err(problem) => failed(problem),
    });
    Ok(Json(slots.collect()))
}
