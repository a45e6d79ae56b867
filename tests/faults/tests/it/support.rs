//! Buyers with a history, and the judgement at the end.

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

/// Every which system call or offset is tried. `EVERY=1` in the environment for all of them.
pub fn every(default: usize) -> usize {
    env_or("EVERY", default).max(1)
}

/// What was bought, and a number for each key.
#[derive(Clone, Default)]
pub struct Shop {
    pub history: History,
    keys: Arc<AtomicU64>,
}

impl Shop {
    /// One purchase with a new key, asked for once; true when there was an answer.
    pub async fn buy(&self, client: &Client, path: &str) -> bool {
        let key = format!("k{}", self.keys.fetch_add(1, Ordering::SeqCst));
        self.buy_with(client, path, &key).await
    }

    /// One purchase with this key.
    pub async fn buy_with(&self, client: &Client, path: &str, key: &str) -> bool {
        let kind = reserve_kind(1);
        let open = self
            .history
            .send(Ask::Write { kind: kind.clone(), key: IdempotencyKey::new(key).ok() });
        let call = client.keyed(path, key, json!({"qty": 1}));
        let told = match tokio::time::timeout(Duration::from_secs(5), call).await {
            Ok(Ok(reply)) => answer(&kind, reply.status, &reply.json(), None),
            _ => Answer::Unknown,
        };
        let known = matches!(told, Answer::Done { .. } | Answer::Refused { .. });
        open.answered(told);
        known
    }

    /// Buys with several at once until the first one gets no answer, or each has bought `most`.
    pub async fn rush(&self, client: &Client, path: &str, buyers: usize, most: usize) {
        let buyers = (0..buyers).map(|_| async {
            for _ in 0..most {
                if !self.buy(client, path).await {
                    return;
                }
            }
        });
        futures::future::join_all(buyers).await;
    }

    /// How many requests had an answer that tells, and how many there were.
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

    /// Holds every answer against the ledger of `vacancy`; then asks again, through `client` and
    /// with its key, for what had none: now each has happened, once. Returns what was found
    /// before that.
    pub async fn judge_asking_again(&self, client: &Client, vacancy: &Client) -> Checked {
        let before = self.judge_running(vacancy).await;
        assert!(before.unknown > 0 && before.acknowledged > 50, "{before:?}");
        for call in self.history.calls() {
            if let (Ask::Write { key: Some(key), .. }, Answer::Unknown) = (&call.ask, &call.answer)
            {
                assert!(self.buy_with(client, "/api/v1/purchase", key.as_str()).await);
            }
        }
        let again = self.judge_running(vacancy).await;
        assert_eq!(again.unknown_done, again.unknown);
        before
    }

    /// Starts vacancy on `data_dir` and holds every answer against its ledger. Returns how long the
    /// start took.
    pub async fn judge(&self, data_dir: &Path) -> (Checked, Duration) {
        let vacancy = Process::vacancy(data_dir, &[("INITIAL_STOCK", "1000000")]).await;
        let checked = self.judge_running(&vacancy.client()).await;
        let started_in = vacancy.started_in;
        vacancy.kill().await;
        (checked, started_in)
    }

    /// Holds every answer against the ledger of a running service.
    pub async fn judge_running(&self, client: &Client) -> Checked {
        let ledger = checker::ledger(&client.ledger("default").await);
        check(&self.history, &vec![(EventName::new("default").unwrap(), ledger)])
            .unwrap_or_else(|finding| panic!("{finding}"))
    }
}
