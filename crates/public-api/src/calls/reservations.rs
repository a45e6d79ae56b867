//! `GET /api/v1/admin/reservations`.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, header};
use http_server::{Problem, extract::QueryParams, problem::ProblemDetails};
use vacancy_api::{ReservationList, ReservationQuery, SellerErrors, Unavailable};

use crate::{
    client::{ReservationRequest, TraceHeaders},
    state::{PublicState, Seller},
};

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
    State(app): State<PublicState>,
    headers: HeaderMap,
    QueryParams(query): QueryParams<ReservationQuery>,
) -> Result<Response, Problem> {
    let (limit, before) = (app.page_len(query.limit)?, query.before()?);
    let ReservationQuery { customer, payment_ref, event, .. } = query;
    if customer.is_none() && payment_ref.is_none() {
        return Err(Problem::validation("The query must name a customer or a payment_ref."));
    }
    let request = ReservationRequest { customer, payment_ref, event, before, limit };
    let page = app.client().reservations(request, TraceHeaders::of(&headers)).await;
    let page = page.map_err(|error| error.into_problem().0)?;
    let headers = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    Ok((headers, Json(page)).into_response())
}
