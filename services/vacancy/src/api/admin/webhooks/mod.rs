//! Receivers of the ledger.

pub mod delete;
pub mod get;
pub mod list;
pub mod put;
pub mod replay;
pub mod test;

use std::collections::BTreeMap;

use http_server::Problem;
use inventory::EventName;
use inventory_engine::EngineError;
use inventory_store::{StoreError, StoredWebhook};
use vacancy_api::{Webhook, WebhookCursor, WebhookStatus, rfc3339};
use vacancy_service::problem_of_engine;
use webhooks::{DeliveryState, Endpoint};

use crate::api::state::AppState;

fn problem(error: StoreError) -> Problem {
    problem_of_engine(&EngineError::Store(error))
}

fn missing() -> Problem {
    Problem::new(
        http::StatusCode::NOT_FOUND,
        "webhook_not_found",
        "Webhook not found",
        "The webhook does not exist.",
    )
}

/// The receiver `name`.
async fn find(app: &AppState, name: &EventName) -> Result<(StoredWebhook, Endpoint), Problem> {
    let known = app.webhooks().list().await.map_err(problem)?;
    let webhook =
        known.into_iter().find(|webhook| webhook.name == name.as_str()).ok_or_else(missing)?;
    let endpoint = endpoint(&webhook)?;
    Ok((webhook, endpoint))
}

fn endpoint(webhook: &StoredWebhook) -> Result<Endpoint, Problem> {
    serde_json::from_str(&webhook.settings).map_err(|error| {
        tracing::error!(%error, webhook = %webhook.name, "cannot read the settings of a webhook");
        Problem::internal("The webhook cannot be read.")
    })
}

/// The ends of the ledgers of all events.
async fn ends(app: &AppState) -> Result<BTreeMap<EventName, u64>, Problem> {
    let mut ends = BTreeMap::new();
    let visited = app.engine().visit_events(|seen| {
        ends.insert(seen.event.name.clone(), seen.event.seq);
    });
    visited.await.map_err(|error| problem_of_engine(&error))?;
    Ok(ends)
}

/// How `webhook` is shown, without its secret.
fn shown(webhook: &StoredWebhook, endpoint: &Endpoint, ends: &BTreeMap<EventName, u64>) -> Webhook {
    let state = DeliveryState::parse(&webhook.state);
    let status = match &state {
        DeliveryState { paused: true, .. } => WebhookStatus::Paused,
        DeliveryState { failures: 1.., .. } => WebhookStatus::Failing,
        _ => WebhookStatus::Active,
    };
    let wanted = |event: &EventName| endpoint.event.as_ref().is_none_or(|only| only == event);
    let cursors = ends.iter().filter(|(event, _)| wanted(event)).map(|(event, end)| {
        let delivered = webhook.cursors.get(event).copied().unwrap_or(0);
        (event.to_string(), WebhookCursor { delivered, lag: end.saturating_sub(delivered) })
    });
    Webhook {
        name: webhook.name.clone(),
        url: endpoint.url.clone(),
        event: endpoint.event.as_ref().map(ToString::to_string),
        types: endpoint.types.clone(),
        status,
        cursors: cursors.collect(),
        delivered_at: state.delivered_at_ms.map(rfc3339),
        failing_since: state.failing_since_ms.map(rfc3339),
        failures: Some(state.failures).filter(|failures| *failures > 0),
        last_error: state.last_error,
        next_attempt_at: state.next_attempt_ms.filter(|_| !state.paused).map(rfc3339),
        secret: None,
    }
}
