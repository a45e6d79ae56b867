//! `GET /api/v1/reservations/{id}/tickets`.

use axum::{extract::State, response::Response};
use http::HeaderMap;
use http_server::{
    Problem,
    extract::{PathParams, Preconditions, QueryParams},
    problem::ProblemDetails,
};
use inventory::{HoldId, StockName};
use serde::Deserialize;
use utoipa::IntoParams;
use vacancy_api::{
    ConditionParams, Hold, HoldNotFound, HoldParam, InvalidParameter, SignedTicket, Unavailable,
};

use super::{reservation, ticket, valid};
use crate::{
    conditional::{hold_tag, read},
    state::PublicState,
};

/// The page.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Page {
    /// How many tickets to skip. Default: 0.
    #[param(minimum = 0)]
    after: Option<usize>,
    /// Tickets per page, from 1 to MAX_PAGE. Default: 100.
    #[param(minimum = 1)]
    limit: Option<usize>,
}

/// List the tickets of a reservation
///
/// The id of a reservation gives access to its tickets. A ticket is the same text for ever.
/// Refunded tickets are left out: a refund revokes the highest numbers of its stock. The list is in
/// the order of stocks and numbers; a page that has as many tickets as `limit` may be followed by
/// another one.
#[utoipa::path(
    get,
    path = "/api/v1/reservations/{id}/tickets",
    tag = "tickets",
    params(HoldParam, Page, ConditionParams),
    responses(
        (
            status = OK,
            body = Vec<SignedTicket>,
            headers(("ETag" = String, description = "The last change and the state")),
        ),
        (status = NOT_MODIFIED, description = "If-None-Match names the current ETag"),
        (
            status = PRECONDITION_FAILED,
            description = "If-Match names no current ETag",
            body = ProblemDetails,
            content_type = "application/problem+json",
        ),
        HoldNotFound,
        (
            status = CONFLICT,
            description = "The hold is not confirmed",
            body = ProblemDetails,
            content_type = "application/problem+json",
        ),
        InvalidParameter,
        Unavailable,
    )
)]
pub async fn list_tickets(
    State(app): State<PublicState>,
    PathParams(id): PathParams<HoldId>,
    QueryParams(page): QueryParams<Page>,
    headers: HeaderMap,
    conditions: Preconditions,
) -> Result<Response, Problem> {
    let limit = app.page_len(page.limit)?;
    let hold = reservation(&app, id, &headers).await?;
    let tag = hold_tag(&hold);
    // A response without a body needs no signatures.
    let is_needed = conditions.check(true, |wanted| wanted == tag).is_ok();
    let limit = if is_needed { limit } else { 0 };
    let tickets = signed_tickets(&app, id, &hold, page.after.unwrap_or(0), limit)?;
    read(&conditions, &tag, &tickets)
}

/// The valid tickets of `hold` without the first `after`, at most `limit`.
///
/// # Errors
/// A 503 problem, where there are no keys.
pub fn signed_tickets(
    app: &PublicState,
    id: HoldId,
    hold: &Hold,
    after: usize,
    limit: usize,
) -> Result<Vec<SignedTicket>, Problem> {
    let keys = app.keys()?;
    let listed = numbers(hold).skip(after).take(limit).map(|(stock, n)| SignedTicket {
        ticket: ticket(id, hold, stock, n).sign(&keys),
        stock: stock.to_string(),
        n,
        qr: format!("/api/v1/reservations/{id}/tickets/{n}.svg?stock={stock}"),
    });
    Ok(listed.collect())
}

/// The stock and number of each valid ticket.
fn numbers(hold: &Hold) -> impl Iterator<Item = (&StockName, u64)> {
    hold.items
        .iter()
        .flat_map(move |item| (1..=valid(hold, &item.stock)).map(move |n| (&item.stock, n)))
}
