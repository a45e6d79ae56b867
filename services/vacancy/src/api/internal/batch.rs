//! `POST /api/v1/internal/batch`.

use std::collections::BTreeSet;

use axum::{Json, extract::State};
use http_server::{
    Problem,
    extract::{CallerDeadline, JsonEntries},
    middleware::CurrentRequestId,
    problem::ProblemDetails,
};
use inventory::EventName;
use public_api::By;
use vacancy_api::{
    BatchAnswer, BatchEntry, BodyErrors, EntryAnswer, EventFrame, SlotProblem, TimeoutParam,
    Unavailable,
};

use crate::api::{batch, state::AppState};

/// Decide and read for several callers with one call
///
/// For the ticket service. Each entry has its own key, deadline, effect and response; an invalid
/// one gets its problem in its place and fails no other. An entry with `seller` needs the seller's
/// token in the call. `events` has the events that the entries were about, with all their effects.
#[utoipa::path(
    post,
    path = "/api/v1/internal/batch",
    tag = "internal",
    request_body = Vec<BatchEntry>,
    params(TimeoutParam),
    responses(
        (status = OK, body = BatchAnswer),
        (
            status = BAD_REQUEST,
            description = "The body is not JSON",
            body = ProblemDetails,
            content_type = "application/problem+json",
        ),
        BodyErrors,
        (
            status = UNPROCESSABLE_ENTITY,
            description = "The body is not a list of entries, or the batch is too large",
            body = ProblemDetails,
            content_type = "application/problem+json",
        ),
        Unavailable,
    )
)]
pub async fn submit_batch(
    State(app): State<AppState>,
    by: By,
    deadline: CallerDeadline,
    CurrentRequestId(request_id): CurrentRequestId,
    JsonEntries(entries): JsonEntries<BatchEntry>,
) -> Result<Json<BatchAnswer>, Problem> {
    let answers = batch::answer(&app, entries, "entries", by.0, deadline).await?;
    let failed =
        |problem| EntryAnswer::Problem(SlotProblem { problem, request_id: request_id.clone() });
    Ok(Json(BatchAnswer {
        answers: answers.entries.into_iter().map(|entry| entry.unwrap_or_else(failed)).collect(),
        events: frames(&app, answers.events).await,
    }))
}

/// The events as they are now. One that cannot be read is left out: the caller reads it later.
async fn frames(app: &AppState, events: BTreeSet<EventName>) -> Vec<EventFrame> {
    let engine = app.engine();
    let mut frames = Vec::with_capacity(events.len());
    for event in events {
        if let Ok(Some(seen)) = engine.event(&event).await
            && seen.stale.is_none()
        {
            frames.push(EventFrame::of(&seen.view, false, engine.now_ms()));
        }
    }
    frames
}
