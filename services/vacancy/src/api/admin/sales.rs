//! `GET /api/v1/admin/events/{event}/sales`.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, header};
use http_server::{
    Problem,
    extract::{PathParams, QueryParams},
};
use inventory::EventName;
use serde::Deserialize;
use utoipa::IntoParams;
use vacancy_api::{
    AdminErrors, EventNotFound, EventParam, InvalidParameter, Sale, Unavailable, event_not_found,
    sale_of,
};
use vacancy_service::problem_of_engine;

use crate::api::state::{Admin, AppState};

/// The page.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Page {
    /// Records after this `sequence`; 0 or nothing for the first page.
    after: Option<u64>,
    /// Entries per page, from 1 to MAX_PAGE. Default: 100.
    #[param(minimum = 1)]
    limit: Option<usize>,
}

/// Read an event's ledger
///
/// Every accepted change in order and without gaps, as CloudEvents. A page that is not full is the
/// current end. Pass the last `sequence` as `after` to read on.
#[utoipa::path(
    get,
    path = "/api/v1/admin/events/{event}/sales",
    tag = "admin",
    security(("admin" = [])),
    params(EventParam, Page),
    responses(
        (status = OK, body = Vec<Sale>, content_type = "application/cloudevents-batch+json"),
        AdminErrors,
        EventNotFound,
        InvalidParameter,
        Unavailable,
    )
)]
pub async fn list_sales(
    _: Admin,
    State(app): State<AppState>,
    PathParams(event): PathParams<EventName>,
    QueryParams(page): QueryParams<Page>,
) -> Result<Response, Problem> {
    let len = app.page_len(page.limit)?;
    let records = app
        .engine()
        .records(&event, page.after.unwrap_or(0), len)
        .await
        .map_err(|error| problem_of_engine(&error))?;
    let records = records.ok_or_else(event_not_found)?;
    let sales: Result<Vec<_>, _> = records.iter().map(|record| sale_of(&event, record)).collect();
    let body = sales
        .map_err(|error| error.to_string())
        .and_then(|sales| serde_json::to_vec(&sales).map_err(|error| error.to_string()));
    let body = body.map_err(|error| {
        tracing::error!(%error, "cannot read the ledger");
        Problem::internal("The ledger cannot be read.")
    })?;
    let kind = HeaderValue::from_static("application/cloudevents-batch+json");
    Ok((
        [
            (header::CONTENT_TYPE, kind),
            (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        ],
        body,
    )
        .into_response())
}
