//! `GET /api/v1/admin/webhooks`.

use axum::{Json, extract::State};
use http_server::Problem;
use vacancy_api::{AdminErrors, Unavailable, WebhookList};

use super::{endpoint, ends, problem, shown};
use crate::api::state::{Admin, AppState};

/// List the receivers by name
///
/// At most MAX_WEBHOOKS. Secrets are not shown.
#[utoipa::path(
    get,
    path = "/api/v1/admin/webhooks",
    tag = "webhooks",
    security(("admin" = [])),
    responses((status = OK, body = WebhookList), AdminErrors, Unavailable)
)]
pub async fn list_webhooks(
    _: Admin,
    State(app): State<AppState>,
) -> Result<Json<WebhookList>, Problem> {
    let (known, ends) = (app.webhooks().list().await.map_err(problem)?, ends(&app).await?);
    let shown = |webhook| endpoint(webhook).map(|endpoint| shown(webhook, &endpoint, &ends));
    Ok(Json(WebhookList { webhooks: known.iter().map(shown).collect::<Result<_, _>>()? }))
}
