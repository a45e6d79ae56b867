//! Repeated `kill -9` under load: no acknowledged sale is lost, none is duplicated, and the ledger
//! explains every answer.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use checker::{Answer, Ask, Checked, History, answer, check, reserve_kind};
use inventory::{EventName, IdempotencyKey};
use rand::RngExt;
use serde_json::json;
use system_tests::{Client, Process};

/// The number of kills. `KILLS` in the environment overrides it for longer runs.
fn kills() -> u64 {
    std::env::var("KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(50)
}

const BUYERS: u64 = 12;
const CAPACITY: &str = "1000000";

/// One purchase; false without a response.
async fn buy(client: &Client, history: &History, key: &str) -> bool {
    let kind = reserve_kind(1);
    let open = history.send(Ask::Write { kind: kind.clone(), key: IdempotencyKey::new(key).ok() });
    let Ok(reply) = client.keyed("/api/v1/purchase", key, json!({"qty": 1})).await else {
        return false;
    };
    let answered = answer(&kind, reply.status, &reply.json(), None);
    let known = matches!(answered, Answer::Done { .. });
    open.answered(answered);
    known
}

/// Checks all answers against the ledger of the running service.
async fn judge(client: &Client, history: &History) -> Checked {
    let ledger = checker::ledger(&client.ledger("default").await);
    check(history, &vec![(EventName::new("default").unwrap(), ledger)])
        .unwrap_or_else(|finding| panic!("{finding}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_kills_under_load_lose_and_duplicate_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (numbers, history) = (Arc::new(AtomicU64::new(0)), History::default());
    let mut slowest_start = Duration::ZERO;
    for _ in 0..kills() {
        let process = Process::monolith(dir.path(), &[("INITIAL_STOCK", CAPACITY)]).await;
        slowest_start = slowest_start.max(process.started_in);
        let buyers: Vec<_> = (0..BUYERS)
            .map(|_| {
                let (client, history, numbers) =
                    (process.client(), history.clone(), numbers.clone());
                let next = move || format!("k{}", numbers.fetch_add(1, Ordering::SeqCst));
                tokio::spawn(async move { while buy(&client, &history, &next()).await {} })
            })
            .collect();
        let moment = rand::rng().random_range(1..120);
        tokio::time::sleep(Duration::from_millis(moment)).await;
        process.kill().await;
        for buyer in buyers {
            buyer.await.unwrap();
        }
    }
    let process = Process::monolith(dir.path(), &[]).await;
    let client = process.client();
    let checked = judge(&client, &history).await;
    println!(
        "{} kills: {} acknowledged purchases, all found; {} of {} unanswered had happened; slowest start {} ms",
        kills(),
        checked.acknowledged,
        checked.unknown_done,
        checked.unknown,
        slowest_start.as_millis()
    );
    assert!(
        checked.acknowledged > kills() as usize && checked.unknown > 0,
        "the load was too small to show anything"
    );
    // A retry returns the first outcome, or completes the sale.
    for call in history.calls() {
        if let (Ask::Write { key: Some(key), .. }, Answer::Unknown) = (&call.ask, &call.answer) {
            assert!(buy(&client, &history, key.as_str()).await);
        }
    }
    let again = judge(&client, &history).await;
    assert_eq!(
        (again.unknown_done, again.records),
        (again.unknown, 1 + checked.acknowledged + checked.unknown)
    );
}
