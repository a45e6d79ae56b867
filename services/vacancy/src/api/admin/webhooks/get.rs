//! `GET /api/v1/admin/webhooks/{webhook}`.

use axum::{Json, extract::State};
use http_server::{Problem, extract::PathParams};
use inventory::EventName;
use vacancy_api::{AdminErrors, Unavailable, Webhook, WebhookNotFound, WebhookParam};

use super::{ends, find, shown};
use crate::api::state::{Admin, AppState};

/// Read a receiver
///
/// Its settings, how far it has got, and why the last delivery failed. The secret is not shown.
#[utoipa::path(
    get,
    path = "/api/v1/admin/webhooks/{webhook}",
    tag = "webhooks",
    security(("admin" = [])),
    params(WebhookParam),
    responses((status = OK, body = Webhook), AdminErrors, WebhookNotFound, Unavailable)
)]
pub async fn get_webhook(
    _: Admin,
    State(app): State<AppState>,
    PathParams(name): PathParams<EventName>,
) -> Result<Json<Webhook>, Problem> {
    let (webhook, endpoint) = find(&app, &name).await?;
    Ok(Json(shown(&webhook, &endpoint, &ends(&app).await?)))
}
