//! Sales of several replicas, through a pooler and of the monolith.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::json;
use system_tests::Process;
use test_postgres::bouncer;

use super::{
    buyers::{Buyers, check},
    support::{LONG_TIMEOUTS, rounds, start_server, vacancy},
};

#[tokio::test(flavor = "multi_thread")]
async fn three_replicas_sell_out_exactly() {
    let server = start_server(&[]).await;
    let url = server.database().await;
    let tickets = rounds("TICKETS", 2_000) as u64;
    let tickets_text = tickets.to_string();
    let env = [&[("INITIAL_STOCK", tickets_text.as_str())][..], &LONG_TIMEOUTS].concat();
    let mut replicas = Vec::new();
    for _ in 0..3 {
        replicas.push(vacancy(&url, &env).await);
    }
    let since = Instant::now();
    let won = Arc::new(AtomicU64::new(0));
    let buyers: Vec<_> = (0..60)
        .map(|number| {
            let (client, won) = (replicas[number % 3].client(), won.clone());
            tokio::spawn(async move {
                loop {
                    let answer = client.post("/api/v1/reserve", json!({"qty": 3})).await;
                    assert_eq!(answer.status, 200, "{}", answer.json());
                    if answer.json()["success"] != true {
                        return;
                    }
                    won.fetch_add(3, Ordering::SeqCst);
                }
            })
        })
        .collect();
    for buyer in buyers {
        buyer.await.unwrap();
    }
    let took = since.elapsed();
    assert_eq!(won.load(Ordering::SeqCst), tickets / 3 * 3);
    for replica in &replicas {
        assert_eq!(replica.client().available().await, tickets % 3);
    }
    let records = replicas[0].client().ledger("default").await;
    assert_eq!(records.len() as u64, 1 + tickets / 3);
    println!(
        "{tickets} tickets, {} sales at three replicas in {took:?}, {} left",
        records.len() - 1,
        tickets % 3
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn pooler_in_transaction_mode_is_supported() {
    let server = start_server(&[]).await;
    let database = server.database().await;
    let (_program, port, _dir) = bouncer(&server);
    let name = database.rsplit('/').next().unwrap();
    let url = format!("postgres://postgres@127.0.0.1:{port}/{name}");
    let (one, two) = (vacancy(&url, &LONG_TIMEOUTS).await, vacancy(&url, &LONG_TIMEOUTS).await);
    let buyers = Buyers::start(&[one.base().to_owned(), two.base().to_owned()], 24);
    tokio::time::sleep(Duration::from_secs(2)).await;
    let refused = buyers.refused.load(Ordering::SeqCst);
    let sales = buyers.stop().await;
    assert_eq!(refused, 0);
    check(&one.client(), &sales).await;
    assert!(sales.len() > 100);
    let held = two
        .client()
        .post(
            "/api/v1/holds",
            json!({"event": "default", "items": [{"stock": "general", "qty": 2}], "ttl_s": 1}),
        )
        .await;
    assert_eq!(held.status, 201);
    let before = one.client().available().await;
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    assert_eq!(one.client().available().await, before + 2);
    println!("through the pooler: {} sold", sales.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn monolith_runs_on_postgres() {
    let server = start_server(&[]).await;
    let url = server.database().await;
    let env =
        [("DEPLOYMENT_MODE", "monolith"), ("STORE_URL", url.as_str()), ("INITIAL_STOCK", "10")];
    let (one, two) = (Process::start("ticket", &env).await, Process::start("ticket", &env).await);
    for (number, process) in [&one, &two, &one, &two].into_iter().enumerate() {
        let answer = process.client().post("/api/v1/purchase", json!({"qty": 2})).await.json();
        assert_eq!(
            (&answer["success"], &answer["remaining"]),
            (&json!(true), &json!(8 - 2 * number))
        );
    }
    assert_eq!(one.terminate().await, Some(0));
}
