//! Buyers with a history, and its check at the end.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use checker::{Answer, Ask, Checked, History, answer, check, reserve_kind};
use inventory::{EventName, IdempotencyKey};
use serde_json::json;
use system_tests::{Client, Process};

/// A number from the environment.
pub fn env_or<T: std::str::FromStr>(name: &str, default: T) -> T {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// The step between two system calls or offsets that are tried. `EVERY=1` tries all of them.
pub fn every(default: usize) -> usize {
    env_or("EVERY", default).max(1)
}

/// Purchases through one history, each with a key of its own.
#[derive(Clone, Default)]
pub struct Buyers {
    pub history: History,
    keys: Arc<AtomicU64>,
}

impl Buyers {
    /// Sends one purchase with a new key, once; true when the outcome is known.
    pub async fn buy(&self, client: &Client, path: &str) -> bool {
        let key = format!("k{}", self.keys.fetch_add(1, Ordering::SeqCst));
        self.buy_with(client, path, &key).await
    }

    /// Sends one purchase with this key; true when the outcome is known.
    pub async fn buy_with(&self, client: &Client, path: &str, key: &str) -> bool {
        let kind = reserve_kind(1);
        let open = self
            .history
            .send(Ask::Write { kind: kind.clone(), key: IdempotencyKey::new(key).ok() });
        let call = client.keyed(path, key, json!({"qty": 1}));
        let answered = match tokio::time::timeout(Duration::from_secs(5), call).await {
            Ok(Ok(reply)) => answer(&kind, reply.status, &reply.json(), None),
            _ => Answer::Unknown,
        };
        let known = matches!(answered, Answer::Done { .. } | Answer::Refused { .. });
        open.answered(answered);
        known
    }

    /// Buys with several buyers at once. A buyer stops after an unknown outcome or `most`
    /// purchases.
    pub async fn rush(&self, client: &Client, path: &str, count: usize, most: usize) {
        let running = (0..count).map(|_| async {
            for _ in 0..most {
                if !self.buy(client, path).await {
                    return;
                }
            }
        });
        futures::future::join_all(running).await;
    }

    /// The number of requests with a known outcome, and of all requests.
    pub fn answered(&self) -> (usize, usize) {
        let calls = self.history.calls();
        (
            calls
                .iter()
                .filter(|call| matches!(call.answer, Answer::Done { .. } | Answer::Refused { .. }))
                .count(),
            calls.len(),
        )
    }

    /// Checks every answer against the ledger of `vacancy`; then repeats the requests with an
    /// unknown outcome through `client`, with their keys: now each has happened, once. Returns
    /// the result of the first check.
    pub async fn check_with_retries(&self, client: &Client, vacancy: &Client) -> Checked {
        let before = self.check_running(vacancy).await;
        assert!(before.unknown > 0 && before.acknowledged > 50, "{before:?}");
        for call in self.history.calls() {
            if let (Ask::Write { key: Some(key), .. }, Answer::Unknown) = (&call.ask, &call.answer)
            {
                assert!(self.buy_with(client, "/api/v1/purchase", key.as_str()).await);
            }
        }
        let again = self.check_running(vacancy).await;
        assert_eq!(again.unknown_done, again.unknown);
        before
    }

    /// Starts vacancy on `data_dir` and checks every answer against its ledger. Returns the
    /// duration of the start, too.
    pub async fn check_data_dir(&self, data_dir: &Path) -> (Checked, Duration) {
        let vacancy = Process::vacancy(data_dir, &[("INITIAL_STOCK", "1000000")]).await;
        let checked = self.check_running(&vacancy.client()).await;
        let started_in = vacancy.started_in;
        vacancy.kill().await;
        (checked, started_in)
    }

    /// Checks every answer against the ledger of a running service.
    pub async fn check_running(&self, client: &Client) -> Checked {
        let ledger = checker::ledger(&client.ledger("default").await);
        check(&self.history, &vec![(EventName::new("default").unwrap(), ledger)])
            .unwrap_or_else(|finding| panic!("{finding}"))
    }
}
