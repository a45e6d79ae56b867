//! kill -9 under load, again and again: nothing acknowledged is lost, nothing is sold twice.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rand::RngExt;
use serde_json::{Value, json};
use system_tests::Process;

/// How often the process is killed. `KILLS` in the environment overrides it for longer runs.
fn kills() -> u64 {
    std::env::var("KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(50)
}

const BUYERS: u64 = 12;
const CAPACITY: u64 = 1_000_000;

/// A buyer keeps a key until it has an answer, as a careful client does; so every key is one purchase, acknowledged or not.
struct Acknowledged {
    key: String,
    body: Value,
}

async fn buy(process: &Process, buyer: u64, numbers: &AtomicU64) -> (Vec<Acknowledged>, Option<String>) {
    let client = process.client();
    let mut acknowledged = Vec::new();
    loop {
        let key = format!("b{buyer}-{}", numbers.fetch_add(1, Ordering::SeqCst));
        match client.keyed("/api/v1/purchase", &key, json!({"qty": 1})).await {
            Ok(answer) if answer.status == 200 => acknowledged.push(Acknowledged { key, body: answer.json() }),
            _ => return (acknowledged, Some(key)),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_kills_under_load_lose_nothing_and_sell_nothing_twice() {
    let dir = tempfile::tempdir().unwrap();
    let numbers = Arc::new(AtomicU64::new(0));
    let mut known: HashMap<String, Value> = HashMap::new();
    let mut unknown: Vec<String> = Vec::new();
    let mut slowest_start = Duration::ZERO;
    let capacity = CAPACITY.to_string();
    for _ in 0..kills() {
        let process = Arc::new(Process::monolith(dir.path(), &[("INITIAL_STOCK", &capacity)]).await);
        slowest_start = slowest_start.max(process.started_in);
        let buyers: Vec<_> = (0..BUYERS)
            .map(|buyer| {
                let (process, numbers) = (process.clone(), numbers.clone());
                tokio::spawn(async move { buy(&process, buyer, &numbers).await })
            })
            .collect();
        let moment = rand::rng().random_range(1..120);
        tokio::time::sleep(Duration::from_millis(moment)).await;
        process.signal("KILL");
        for buyer in buyers {
            let (acknowledged, open) = buyer.await.unwrap();
            known.extend(acknowledged.into_iter().map(|one| (one.key, one.body)));
            unknown.extend(open);
        }
        Arc::into_inner(process).unwrap().kill().await;
    }
    let process = Process::monolith(dir.path(), &[]).await;
    let client = process.client();
    let records = client.ledger("default").await;
    let sold: HashMap<String, &Value> =
        records[1..].iter().map(|event| (event["data"]["key"]["key"].as_str().unwrap().to_owned(), &event["data"])).collect();
    assert_eq!(sold.len(), records.len() - 1, "a key has more than one effect");
    for (key, body) in &known {
        let record = sold.get(key).unwrap_or_else(|| panic!("the acknowledged purchase {key} is lost"));
        assert_eq!(
            (&record["seq"], &record["hold"], &record["left"]["general"]),
            (&body["seq"], &body["reservation_id"], &body["remaining"])
        );
    }
    let unanswered = sold.keys().filter(|key| !known.contains_key(*key)).count();
    assert!(sold.keys().all(|key| known.contains_key(key) || unknown.contains(key)), "something was sold that nobody asked for");
    assert_eq!(client.available().await, CAPACITY - sold.len() as u64);
    // A retry tells what had happened, and makes it happen if it had not.
    for key in &unknown {
        let answer = client.keyed("/api/v1/purchase", key, json!({"qty": 1})).await.unwrap().json();
        match sold.get(key) {
            Some(record) => assert_eq!(answer["seq"], record["seq"]),
            None => assert_eq!(answer["success"], true),
        }
    }
    assert!(known.len() > kills() as usize, "the load was too small to show anything");
    println!(
        "{} kills: {} acknowledged purchases, all found; {} of {} unanswered had happened; slowest start {} ms",
        kills(),
        known.len(),
        unanswered,
        unknown.len(),
        slowest_start.as_millis()
    );
}
