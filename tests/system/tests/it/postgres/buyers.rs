//! Buyers under failures, and the check of their sales.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use system_tests::Client;
use tokio::sync::Mutex;

/// An acknowledged sale.
pub struct Sale {
    pub key: String,
    pub body: Value,
    at: Instant,
}

/// Buyers that repeat a key at the other replicas until they have its answer.
pub struct Buyers {
    over: Arc<AtomicBool>,
    sales: Arc<Mutex<Vec<Sale>>>,
    pub refused: Arc<AtomicUsize>,
    pub slowest_ms: Arc<AtomicU64>,
    running: Vec<tokio::task::JoinHandle<()>>,
}

impl Buyers {
    pub fn start(bases: &[String], count: usize) -> Self {
        let mut buyers = Self {
            over: Arc::default(),
            sales: Arc::default(),
            refused: Arc::default(),
            slowest_ms: Arc::default(),
            running: Vec::new(),
        };
        for buyer in 0..count {
            let (over, sales, refused, slowest_ms) = (
                buyers.over.clone(),
                buyers.sales.clone(),
                buyers.refused.clone(),
                buyers.slowest_ms.clone(),
            );
            let clients: Vec<_> = bases.iter().map(|base| Client::new(base)).collect();
            buyers.running.push(tokio::spawn(async move {
                let (mut number, mut at) = (0, buyer);
                while !over.load(Ordering::SeqCst) {
                    let key = format!("b{buyer}-{number}");
                    let since = Instant::now();
                    let answer = clients[at % clients.len()]
                        .keyed("/api/v1/reserve", &key, json!({"qty": 1}))
                        .await;
                    slowest_ms.fetch_max(
                        u64::try_from(since.elapsed().as_millis()).unwrap(),
                        Ordering::SeqCst,
                    );
                    match answer {
                        Ok(answer) if answer.status == 200 => {
                            let body = answer.json();
                            assert_eq!(body["success"], true, "{body}");
                            sales.lock().await.push(Sale { key, body, at: Instant::now() });
                            number += 1;
                        }
                        other => {
                            if let Ok(answer) = &other {
                                assert_eq!(answer.status, 503, "{}", answer.json());
                                assert!(!answer.header("retry-after").is_empty());
                            }
                            refused.fetch_add(1, Ordering::SeqCst);
                            // The same key at another replica: it must have one effect.
                            at += 1;
                            tokio::time::sleep(Duration::from_millis(10)).await;
                        }
                    }
                }
            }));
        }
        buyers
    }

    pub async fn sold(&self) -> usize {
        self.sales.lock().await.len()
    }

    /// Waits for a sale after `since`; returns the time until it.
    pub async fn wait_for_sale(&self, since: Instant, limit: Duration) -> Duration {
        loop {
            if let Some(sale) = self.sales.lock().await.last().filter(|sale| sale.at > since) {
                return sale.at - since;
            }
            assert!(since.elapsed() < limit, "nothing was sold for {limit:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    pub async fn stop(self) -> Vec<Sale> {
        self.over.store(true, Ordering::SeqCst);
        for buyer in self.running {
            buyer.await.unwrap();
        }
        Arc::into_inner(self.sales).unwrap().into_inner()
    }
}

/// Checks that every acknowledged sale is in the ledger, that every key has one effect, and the
/// counts. Returns the number of sales in the ledger.
pub async fn check(client: &Client, sales: &[Sale]) -> usize {
    let records = client.ledger("default").await;
    let of_keys: HashMap<String, &Value> = records[1..]
        .iter()
        .map(|event| (event["data"]["key"]["key"].as_str().unwrap().to_owned(), &event["data"]))
        .collect();
    assert_eq!(of_keys.len(), records.len() - 1, "a key has more than one effect");
    for (seq, event) in (1..).zip(&records) {
        assert_eq!(event["data"]["seq"], seq);
    }
    for sale in sales {
        let record = of_keys
            .get(&sale.key)
            .unwrap_or_else(|| panic!("the acknowledged sale {} is lost", sale.key));
        assert_eq!(
            (&record["seq"], &record["hold"]),
            (&sale.body["seq"], &sale.body["reservation_id"])
        );
    }
    let event = client.get("/api/v1/events/default").await.json();
    let counts = &event["stocks"]["general"];
    assert_eq!(counts["sold"], of_keys.len());
    assert_eq!(counts["available"], counts["capacity"].as_u64().unwrap() - of_keys.len() as u64);
    of_keys.len()
}
