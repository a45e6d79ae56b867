//! `POST /api/v1/reserve/batch`.

use std::time::Duration;

use axum::{Json, extract::State};
use http_server::{
    Problem,
    extract::{CallerDeadline, JsonEntries},
    middleware::CurrentRequestId,
    problem::ProblemDetails,
};
use public_api::By;
use tokio::time::Instant;
use vacancy_api::{
    BatchItem, BatchSlot, BodyErrors, SlotProblem, TimeoutParam, Unavailable, Wording, reserved,
};
use vacancy_service::problem_of_engine;

use crate::api::state::AppState;

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
    let most = app.reserve_batch_max();
    if items.is_empty() || items.len() > most {
        return Err(Problem::validation(format!("A batch has 1 to {most} reservations.")));
    }
    // What is wrong in itself is answered in its place; the rest goes to the engine in one step.
    let failed =
        |problem| BatchSlot::Problem(SlotProblem { problem, request_id: request_id.clone() });
    let now = Instant::now();
    let mut slots = Vec::with_capacity(items.len());
    let mut requests = Vec::with_capacity(items.len());
    for item in items {
        let item = match item {
            Ok(item) => item,
            Err(problem) => {
                slots.push(Some(failed(problem)));
                continue;
            }
        };
        let event = item.event.unwrap_or_else(|| app.stock().event().clone());
        if item.seller && !by.0.may_sell() {
            slots.push(Some(failed(by.0.not_seller())));
            continue;
        }
        match app.stock().reserve(event, item.qty, item.customer, item.seller) {
            Ok(kind) => {
                let deadline = deadline.within(now, item.timeout_ms.map(Duration::from_millis));
                requests.push(app.stock().request(kind, Some(item.key), deadline.0));
                slots.push(None);
            }
            Err(problem) => slots.push(Some(failed(problem))),
        }
    }
    let mut replies =
        app.engine().submit_all(requests).await.into_iter().map(|reply| match reply {
            Ok(reply) => reserved(reply, Wording::Reserve, by.0)
                .map_or_else(|failure| failed(failure.into_problem()), BatchSlot::Answer),
            Err(error) => failed(problem_of_engine(&error)),
        });
    Ok(Json(slots.into_iter().filter_map(|slot| slot.or_else(|| replies.next())).collect()))
}
