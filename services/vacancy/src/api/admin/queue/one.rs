//! `POST /api/v1/admin/events/{event}/queue/pause` and `…/resume`.

use axum::extract::State;
use http_server::extract::PathParams;
use inventory::EventName;
use vacancy_api::{
    AdminErrors, EventParam, Failure, QueueNotFound, QueuePauseReceipt, Unavailable, WriteResponse,
};

use super::set_paused;
use crate::api::state::{Admin, AppState};

/// Stop calling places of an event
///
/// Places that are called already can still claim their passes, and passes stay valid. A repeated
/// call changes nothing.
#[utoipa::path(
    post,
    path = "/api/v1/admin/events/{event}/queue/pause",
    tag = "admin",
    security(("admin" = [])),
    params(EventParam),
    responses(
        (
            status = OK,
            body = QueuePauseReceipt,
            headers(("Event-Seq" = u64, description = "The `seq` of the response")),
        ),
        AdminErrors,
        QueueNotFound,
        Unavailable,
    )
)]
pub async fn pause_queue(
    _: Admin,
    State(app): State<AppState>,
    PathParams(event): PathParams<EventName>,
) -> Result<WriteResponse<QueuePauseReceipt>, Failure> {
    let receipt = set_paused(&app, event, true).await?;
    Ok(WriteResponse::ok(receipt.seq, receipt))
}

/// Go on calling places of an event
///
/// A repeated call changes nothing.
#[utoipa::path(
    post,
    path = "/api/v1/admin/events/{event}/queue/resume",
    tag = "admin",
    security(("admin" = [])),
    params(EventParam),
    responses(
        (
            status = OK,
            body = QueuePauseReceipt,
            headers(("Event-Seq" = u64, description = "The `seq` of the response")),
        ),
        AdminErrors,
        QueueNotFound,
        Unavailable,
    )
)]
pub async fn resume_queue(
    _: Admin,
    State(app): State<AppState>,
    PathParams(event): PathParams<EventName>,
) -> Result<WriteResponse<QueuePauseReceipt>, Failure> {
    let receipt = set_paused(&app, event, false).await?;
    Ok(WriteResponse::ok(receipt.seq, receipt))
}
