//! `GET /api/v1/available`.

use axum::{Json, extract::State};
use http::HeaderMap;
use http_server::{Problem, problem::ProblemDetails};
use vacancy_api::{Available, BeyondLedger, EventSeqParam};

use crate::{age::age, at_least::AtLeast, reading::EventReading, state::PublicState};

/// Read the availability
///
/// Reads stock `general` of event `default`. Items of expired holds count as available.
#[utoipa::path(
    get,
    path = "/api/v1/available",
    tag = "sale",
    params(EventSeqParam),
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
        BeyondLedger,
        (
            status = SERVICE_UNAVAILABLE,
            description = "The availability is unknown now",
            body = ProblemDetails,
            content_type = "application/problem+json",
        ),
    )
)]
pub async fn available(
    State(app): State<PublicState>,
    at_least: AtLeast,
) -> Result<(HeaderMap, Json<Available>), Problem> {
    if at_least.0.is_none()
        && let Some(qty) = app.client().try_available(app.default_event(), app.default_stock())
    {
        return Ok((HeaderMap::new(), Json(Available { qty, stale: false })));
    }
    let reading = app.client().event(app.default_event(), at_least.0).await;
    let reading = reading.map_err(|error| error.into_problem().0)?;
    let Some(EventReading { frame, stale }) = reading else { return Err(missing()) };
    at_least.check(frame.event.seq)?;
    let stock = frame.event.stocks.get(app.default_stock().as_str()).ok_or_else(missing)?;
    Ok((age(stale), Json(Available { qty: stock.available, stale: stale.is_some() })))
}

fn missing() -> Problem {
    Problem::not_found("There is no event 'default' with a stock 'general'.")
}
