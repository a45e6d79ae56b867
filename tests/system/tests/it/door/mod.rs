//! ticket as the public door: the same contract as the monolith, over one subscription and one link
//! to vacancy.

mod contract;
mod outage;
mod queues;
mod reads;
mod replicas;
mod story;
pub mod streams;

use std::time::Duration;

use serde_json::{Value, json};
use system_tests::{Answer, Client, Process};
use tempfile::TempDir;

/// The two services, and the directory of the stock.
struct Pair {
    ticket: Process,
    vacancy: Process,
    dir: TempDir,
}

impl Pair {
    async fn start(env: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let vacancy = Process::vacancy(dir.path(), env).await;
        let ticket = Process::ticket(vacancy.base(), env).await;
        until("ticket is subscribed", async || is_live(&ticket).await).await;
        Self { ticket, vacancy, dir }
    }

    fn door(&self) -> Client {
        self.ticket.client()
    }

    fn inside(&self) -> Client {
        self.vacancy.client()
    }
}

/// Whether vacancy confirms the counts that `ticket` gives to readers.
async fn is_live(ticket: &Process) -> bool {
    metric(ticket, "vacancy_readings_live").await == 1.0
}

/// The value of a metric; `name` includes its labels. Zero if it does not exist.
async fn metric(process: &Process, name: &str) -> f64 {
    process.metric(name).await.unwrap_or(0.0)
}

/// Waits until `condition` holds.
async fn until(what: &str, condition: impl AsyncFn() -> bool) {
    system_tests::until(what, Duration::from_secs(20), condition).await;
}

fn items(qty: u64) -> Value {
    json!([{"stock": "general", "qty": qty}])
}

/// A new hold of event `default`.
async fn hold(client: &Client, qty: u64) -> Answer {
    client.post("/api/v1/holds", json!({"event": "default", "items": items(qty)})).await
}
