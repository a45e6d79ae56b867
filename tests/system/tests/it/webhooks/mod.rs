//! Webhooks: the ledger, delivered.

mod calls;
mod deliveries;
pub mod receiver;
mod replicas;

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use system_tests::{Answer, Client};

/// Settings that let receivers be on this machine.
const OPEN: [(&str, &str); 2] = [("WEBHOOK_ALLOW_HTTP", "true"), ("WEBHOOK_ALLOW_PRIVATE", "true")];

fn path(name: &str) -> String {
    format!("/api/v1/admin/webhooks/{name}")
}

async fn put(client: &Client, name: &str, body: Value) -> Answer {
    client.admin(Method::PUT, &path(name), &[], Some(body)).await
}

async fn get(client: &Client, name: &str) -> Value {
    client.admin(Method::GET, &path(name), &[], None).await.json()
}

async fn replay(client: &Client, name: &str, after: u64) -> Answer {
    let body = Some(json!({"event": "default", "after": after}));
    client.admin(Method::POST, &format!("{}/replay", path(name)), &[], body).await
}

/// The end of the ledger of event `default`.
async fn end(client: &Client) -> u64 {
    client.get("/api/v1/events/default").await.json()["seq"].as_u64().unwrap()
}

/// Waits until `condition` holds.
async fn until(what: &str, condition: impl AsyncFn() -> bool) {
    system_tests::until(what, Duration::from_secs(60), condition).await;
}
