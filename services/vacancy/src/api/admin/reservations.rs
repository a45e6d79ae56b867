//! `GET /api/v1/admin/reservations`.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, header};
use http_server::{Problem, extract::QueryParams, problem::ProblemDetails};
use inventory_engine::ReservationFilter;
use public_api::Seller;
use vacancy_api::{Reservation, ReservationList, ReservationQuery, SellerErrors, Unavailable};
use vacancy_service::problem_of_engine;

use crate::api::state::AppState;

/// Look up reservations by customer or payment
///
/// Holds and reservations of all events in every state, the newest first. A query with both finds
/// those that have both. A payment finds the holds that it confirmed, those that it was started
/// for, and those that it came too late for (`refunds_due`). A page examines a bounded number of
/// reservations, so one with several conditions may have fewer entries than `limit`, or none;
/// `next` says whether another page follows. Pages repeat nothing, and leave out nothing that
/// existed when the first one was read.
#[utoipa::path(
    get,
    path = "/api/v1/admin/reservations",
    tag = "admin",
    security(("seller" = []), ("admin" = [])),
    params(ReservationQuery),
    responses(
        (status = OK, body = ReservationList),
        SellerErrors,
        (
            status = UNPROCESSABLE_ENTITY,
            description = "A parameter is invalid, or there is neither a customer nor a payment",
            body = ProblemDetails,
            content_type = "application/problem+json",
        ),
        Unavailable,
    )
)]
pub async fn list_reservations(
    _: Seller,
    State(app): State<AppState>,
    QueryParams(query): QueryParams<ReservationQuery>,
) -> Result<Response, Problem> {
    let (len, before) = (app.page_len(query.limit)?, query.before()?);
    let ReservationQuery { customer, payment_ref, event, .. } = query;
    if customer.is_none() && payment_ref.is_none() {
        return Err(Problem::validation("The query must name a customer or a payment_ref."));
    }
    let filter = ReservationFilter { customer, payment_ref, event };
    let page = app
        .engine()
        .reservations(&filter, before, len)
        .await
        .map_err(|error| problem_of_engine(&error))?;
    let now_ms = app.engine().now_ms();
    let body = ReservationList {
        reservations: page.holds.iter().map(|hold| Reservation::of(hold, now_ms)).collect(),
        next: page.next.map(|id| id.to_string()),
    };
    let headers = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    Ok((headers, Json(body)).into_response())
}
