//! `GET /api/v1/events/{event}/queue/leaves`.

use axum::{Json, extract::State};
use http_server::{
    Problem,
    extract::{PathParams, QueryParams},
    problem::ProblemDetails,
};
use inventory::EventName;
use serde::Deserialize;
use utoipa::IntoParams;
use vacancy_api::{EventParam, InvalidParameter, QueueLeaves, Unavailable};

use super::{draw_not_found, find_queue};
use crate::state::PublicState;

/// Places of a page: with more, auditing a large draw would take too many calls.
const PAGE: usize = 10_000;

/// The page.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Page {
    /// How many places to skip. Default: 0.
    #[param(minimum = 0)]
    after: Option<usize>,
    /// Places per page, from 1 to 10000. Default: 10000.
    #[param(minimum = 1, maximum = 10000)]
    limit: Option<usize>,
}

/// List the places of a draw in the order of joining
///
/// They can be read from the time on at which nobody can join the draw any more.
#[utoipa::path(
    get,
    path = "/api/v1/events/{event}/queue/leaves",
    tag = "queue",
    params(EventParam, Page),
    responses(
        (status = OK, body = QueueLeaves),
        (
            status = NOT_FOUND,
            description = "The event does not exist, its waiting room has no draw, or people can still join it",
            body = ProblemDetails,
            content_type = "application/problem+json",
        ),
        InvalidParameter,
        Unavailable,
    )
)]
pub async fn list_leaves(
    State(app): State<PublicState>,
    PathParams(event): PathParams<EventName>,
    QueryParams(page): QueryParams<Page>,
) -> Result<Json<QueueLeaves>, Problem> {
    let limit = page.limit.unwrap_or(PAGE);
    if !(1..=PAGE).contains(&limit) {
        return Err(Problem::validation(format!("limit must be between 1 and {PAGE}.")));
    }
    let queue = find_queue(&app, &event).await?;
    let drawn = app.draws().of(&event, &queue).await?.ok_or_else(draw_not_found)?;
    let from = page.after.unwrap_or(0).min(drawn.leaves.len());
    let to = from.saturating_add(limit).min(drawn.leaves.len());
    let next = (to < drawn.leaves.len()).then_some(to as u64);
    Ok(Json(QueueLeaves { leaves: drawn.leaves[from..to].to_vec(), next }))
}
