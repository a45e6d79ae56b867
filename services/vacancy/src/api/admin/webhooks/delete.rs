//! `DELETE /api/v1/admin/webhooks/{webhook}`.

use axum::extract::State;
use http::StatusCode;
use http_server::{Problem, extract::PathParams};
use inventory::EventName;
use vacancy_api::{AdminErrors, InvalidName, Unavailable, WebhookParam};

use super::problem;
use crate::api::state::{Admin, AppState};

/// Remove a receiver
///
/// It gets nothing more. A repeated call changes nothing.
#[utoipa::path(
    delete,
    path = "/api/v1/admin/webhooks/{webhook}",
    tag = "webhooks",
    security(("admin" = [])),
    params(WebhookParam),
    responses(
        (status = NO_CONTENT, description = "The receiver does not exist"),
        AdminErrors,
        InvalidName,
        Unavailable,
    )
)]
pub async fn delete_webhook(
    _: Admin,
    State(app): State<AppState>,
    PathParams(name): PathParams<EventName>,
) -> Result<StatusCode, Problem> {
    app.webhooks().delete(name.to_string()).await.map_err(problem)?;
    Ok(StatusCode::NO_CONTENT)
}
