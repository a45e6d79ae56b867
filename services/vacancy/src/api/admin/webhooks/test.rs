//! `POST /api/v1/admin/webhooks/{webhook}/test`.

use axum::{Json, extract::State};
use http_server::{Problem, extract::PathParams};
use inventory::EventName;
use vacancy_api::{AdminErrors, Unavailable, WebhookNotFound, WebhookParam, WebhookTest, rfc3339};
use webhooks::Message;

use super::find;
use crate::api::state::{Admin, AppState};

/// Send a test message
///
/// Sends one signed message of type `io.ticket-system.webhook.test` now, and says what became of
/// it. Cursor and state of the receiver stay as they are.
#[utoipa::path(
    post,
    path = "/api/v1/admin/webhooks/{webhook}/test",
    tag = "webhooks",
    security(("admin" = [])),
    params(WebhookParam),
    responses((status = OK, body = WebhookTest), AdminErrors, WebhookNotFound, Unavailable)
)]
pub async fn test_webhook(
    _: Admin,
    State(app): State<AppState>,
    PathParams(name): PathParams<EventName>,
) -> Result<Json<WebhookTest>, Problem> {
    let (_, endpoint) = find(&app, &name).await?;
    let id = uuid::Uuid::new_v4().to_string();
    let time = rfc3339(app.engine().now_ms());
    let message = Message::test(name.as_str(), &id, &time).map_err(|error| {
        tracing::error!(%error, "cannot encode a message");
        Problem::internal("The message cannot be written.")
    })?;
    Ok(Json(match app.webhooks().test(&endpoint, &message).await {
        Ok(status) => WebhookTest { delivered: true, status: Some(status), error: None },
        Err(error) => {
            WebhookTest { delivered: false, status: None, error: Some(error.to_string()) }
        }
    }))
}
