//! Deliveries of one process.

use std::time::Duration;

use serde_json::json;
use system_tests::Process;

use super::{
    OPEN, end, get, put,
    receiver::{Receiver, SECRET, check_order},
    replay, until,
};

#[tokio::test]
async fn every_record_arrives_in_order_as_in_the_ledger() {
    let dir = tempfile::tempdir().unwrap();
    let (all, sold) = (Receiver::start().await, Receiver::start().await);
    let monolith = Process::monolith(dir.path(), &OPEN).await;
    let client = monolith.client();
    let body = json!({"url": all.url(), "secret": SECRET});
    assert_eq!(put(&client, "all", body).await.status, 201);
    let types = ["io.ticket-system.ledger.sold"];
    let body = json!({"url": sold.url(), "secret": SECRET, "types": types, "event": "default"});
    assert_eq!(put(&client, "sold", body).await.status, 201);
    assert_eq!(client.put_event("gala", json!({"stocks": {"general": 9}})).await.status, 201);
    let items = json!([{"stock": "general", "qty": 1}]);
    for _ in 0..20 {
        client.post("/api/v1/purchase", json!({"qty": 1})).await;
        for event in ["default", "gala"] {
            client.post("/api/v1/holds", json!({"event": event, "items": items})).await;
        }
    }
    let (events, gala) = (end(&client).await, client.ledger("gala").await);
    let expected: Vec<u64> = (2..=events).collect();
    until("all of it has arrived", async || {
        all.seqs("default") == expected && all.seqs("gala").len() == gala.len()
    })
    .await;
    let ledger = client.ledger("default").await;
    for message in all.accepted() {
        let seq: usize = message.event["sequence"].as_str().unwrap().parse().unwrap();
        if message.event["source"] == "/api/v1/events/default" {
            assert_eq!(message.event, ledger[seq - 1]);
            assert_eq!(message.id, format!("default/{seq}"));
        }
    }
    let kinds: Vec<_> =
        sold.accepted().iter().map(|message| message.event["type"].clone()).collect();
    assert_eq!(kinds, vec![json!(types[0]); 20]);
    until("the cursors are written", async || {
        get(&client, "all").await["cursors"]["default"]["lag"] == 0
            && get(&client, "sold").await["cursors"]["default"]["lag"] == 0
    })
    .await;
    assert_eq!(monolith.terminate().await, Some(0));
    let before = all.calls();
    let _monolith = Process::monolith(dir.path(), &OPEN).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(all.calls(), before, "nothing is delivered twice after an orderly end");
}

#[tokio::test]
async fn a_receiver_that_fails_and_is_killed_misses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut receiver = Receiver::start_with(|call, _| if call % 10 < 3 { 500 } else { 200 }).await;
    let monolith = Process::monolith(dir.path(), &OPEN).await;
    let client = monolith.client();
    let body = json!({"url": receiver.url(), "secret": SECRET});
    assert_eq!(put(&client, "shop", body).await.status, 201);
    assert_eq!(replay(&client, "shop", 0).await.status, 200);
    for round in 0..10 {
        client.post("/api/v1/purchase", json!({"qty": 1})).await;
        if round % 5 == 4 {
            receiver.restart().await;
        }
    }
    let newest = end(&client).await;
    until("all of it has arrived", async || {
        receiver.seqs("default").last().copied() == Some(newest)
    })
    .await;
    check_order(&receiver.seqs("default"), newest);
    until("it is active again", async || get(&client, "shop").await["status"] == "active").await;
}

#[tokio::test]
async fn a_killed_process_goes_on_where_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let receiver = Receiver::start().await;
    let mut monolith = Process::monolith(dir.path(), &OPEN).await;
    let body = json!({"url": receiver.url(), "secret": SECRET});
    assert_eq!(put(&monolith.client(), "shop", body).await.status, 201);
    assert_eq!(replay(&monolith.client(), "shop", 0).await.status, 200);
    for _ in 0..4 {
        let client = monolith.client();
        let buys = (0..50).map(|_| client.post("/api/v1/purchase", json!({"qty": 1})));
        futures::future::join_all(buys).await;
        monolith.kill().await;
        monolith = Process::monolith(dir.path(), &OPEN).await;
    }
    let newest = end(&monolith.client()).await;
    assert_eq!(newest, 201);
    until("all of it has arrived", async || {
        receiver.seqs("default").last().copied() == Some(newest)
    })
    .await;
    check_order(&receiver.seqs("default"), newest);
}

#[tokio::test]
async fn a_receiver_that_is_gone_pauses_and_a_put_resumes_it() {
    let dir = tempfile::tempdir().unwrap();
    let receiver = Receiver::start_with(|call, _| [302, 410][call.min(1)]).await;
    let monolith = Process::monolith(dir.path(), &OPEN).await;
    let client = monolith.client();
    let body = json!({"url": receiver.url(), "secret": SECRET});
    assert_eq!(put(&client, "shop", body.clone()).await.status, 201);
    client.post("/api/v1/purchase", json!({"qty": 1})).await;
    until("a redirect is a failure", async || get(&client, "shop").await["status"] == "failing")
        .await;
    let failing = get(&client, "shop").await;
    assert!(failing["last_error"].as_str().unwrap().contains("redirects are not followed"));
    assert!(failing["next_attempt_at"].is_string() && failing["failing_since"].is_string());
    until("410 pauses it", async || get(&client, "shop").await["status"] == "paused").await;
    let calls = receiver.calls();
    client.post("/api/v1/purchase", json!({"qty": 1})).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(receiver.calls(), calls, "a paused receiver gets nothing");
    let metrics = String::from_utf8(client.get("/metrics").await.bytes).unwrap();
    assert!(metrics.contains("webhook_paused{webhook=\"shop\"} 1"), "{metrics}");
    let other = Receiver::start().await;
    let body = json!({"url": other.url(), "secret": SECRET});
    assert_eq!(put(&client, "shop", body).await.json()["status"], "active");
    until("the rest arrives", async || other.seqs("default") == [2, 3]).await;
}

#[tokio::test]
async fn a_receiver_that_fails_for_long_is_paused() {
    let dir = tempfile::tempdir().unwrap();
    let receiver = Receiver::start_with(|_, _| 503).await;
    let env = [&OPEN[..], &[("WEBHOOK_PAUSE_AFTER_S", "1")]].concat();
    let monolith = Process::monolith(dir.path(), &env).await;
    let client = monolith.client();
    let body = json!({"url": receiver.url(), "secret": SECRET});
    assert_eq!(put(&client, "shop", body).await.status, 201);
    client.post("/api/v1/purchase", json!({"qty": 1})).await;
    until("it is paused", async || get(&client, "shop").await["status"] == "paused").await;
    assert!(get(&client, "shop").await["failures"].as_u64().unwrap() >= 2);
}
