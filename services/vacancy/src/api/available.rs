use axum::Json;
use axum::extract::State;
use serving::Problem;
use serving::problem::ProblemDetails;

use super::{App, problem_of_engine};
use crate::wire::Available;

/// How many tickets can be bought
///
/// Of stock `general` of event `default`. What has expired by now counts as available.
#[utoipa::path(
    get,
    path = "/api/v1/available",
    tag = "sale",
    responses(
        (status = OK, body = Available),
        (status = NOT_FOUND, description = "There is no event `default` with a stock `general`", body = ProblemDetails, content_type = "application/problem+json"),
        (status = SERVICE_UNAVAILABLE, description = "The stock cannot be told now", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub async fn available(State(app): State<App>) -> Result<Json<Available>, Problem> {
    let view = app.engine().event(app.event()).await.map_err(|error| problem_of_engine(&error))?;
    let stock = view.as_ref().and_then(|view| view.event.stock(app.stock()));
    let qty = stock.ok_or_else(|| Problem::not_found("There is no event 'default' with a stock 'general'."))?.available();
    Ok(Json(Available { qty }))
}
