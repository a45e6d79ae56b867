//! `GET /api/v1/available`.

use axum::{Json, extract::State};
use http::HeaderMap;
use http_server::{Problem, problem::ProblemDetails};
use inventory::Stock;
use vacancy_api::Available;
use vacancy_service::problem_of_engine;

use crate::api::{age::age, state::AppState};

/// Read the availability
///
/// Reads stock `general` of event `default`. Items of expired holds count as available.
#[utoipa::path(
    get,
    path = "/api/v1/available",
    tag = "sale",
    responses(
        (
            status = OK,
            body = Available,
            headers(
                (
                    "Age" = Option<u64>,
                    description = "Only with `stale`: the age of the counts in seconds"
                ),
            ),
        ),
        (
            status = NOT_FOUND,
            description = "Event `default` or its stock `general` does not exist",
            body = ProblemDetails,
            content_type = "application/problem+json",
        ),
        (
            status = SERVICE_UNAVAILABLE,
            description = "The availability is unknown now",
            body = ProblemDetails,
            content_type = "application/problem+json",
        ),
    )
)]
pub async fn available(
    State(app): State<AppState>,
) -> Result<(HeaderMap, Json<Available>), Problem> {
    if let Some(Some(qty)) = app.engine().try_event(app.stock().event(), |view| {
        view.event.stock(app.stock().stock()).map(Stock::available)
    }) {
        return Ok((HeaderMap::new(), Json(Available { qty, stale: false })));
    }
    let seen =
        app.engine().event(app.stock().event()).await.map_err(|error| problem_of_engine(&error))?;
    let stock = seen
        .as_ref()
        .and_then(|seen| Some((seen.view.event.stock(app.stock().stock())?, seen.stale)));
    let (stock, stale) = stock
        .ok_or_else(|| Problem::not_found("There is no event 'default' with a stock 'general'."))?;
    Ok((age(stale), Json(Available { qty: stock.available(), stale: stale.is_some() })))
}
