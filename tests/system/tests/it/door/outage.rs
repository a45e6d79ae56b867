//! The door while vacancy is away.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use system_tests::Process;

use super::{Pair, hold, is_live, until};

#[tokio::test]
async fn reads_go_on_as_stale_and_writes_are_503() {
    let env = [("VACANCY_RECONNECT_WAIT_S", "0.2"), ("INITIAL_STOCK", "30")];
    let Pair { ticket, vacancy, dir } = Pair::start(&env).await;
    let door = ticket.client();
    let made = hold(&door, 2).await;
    let port = vacancy.port().to_string();
    vacancy.kill().await;
    until("the readings are stale", async || !is_live(&ticket).await).await;
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    for path in ["/api/v1/available", "/api/v1/events/default"] {
        let read = door.get(path).await;
        let age: u64 = read.header("age").parse().expect("an age");
        assert_eq!((read.status, &read.json()["stale"]), (200, &json!(true)), "{path}");
        assert!((1..60).contains(&age), "{path}: {age}");
    }
    assert_eq!(door.get("/api/v1/available").await.json()["qty"], 28);
    let listed = door.get("/api/v1/events").await;
    assert_eq!((listed.status, &listed.json()["events"][0]["stale"]), (200, &json!(true)));
    let etag = door.get("/api/v1/events/default").await.header("etag").to_owned();
    assert!(etag.contains("stale"), "{etag}");
    let seq = [("event-seq", "999")];
    let ahead = door.call(Method::GET, "/api/v1/available", &seq, None).await.unwrap();
    assert_eq!(ahead.status, 503, "an older state than asked for is no answer");
    let path = made.header("location").to_owned();
    for (method, path, body) in [
        (Method::POST, "/api/v1/purchase".to_owned(), Some(json!({"qty": 1}))),
        (Method::POST, format!("{path}/confirm"), Some(json!({}))),
        (Method::POST, format!("{path}/extend"), Some(json!({"ttl_s": 60}))),
        (Method::DELETE, path.clone(), None),
        (Method::GET, path.clone(), None),
    ] {
        let refused = door.call(method.clone(), &path, &[], body).await.unwrap();
        assert_eq!((refused.status, refused.problem().as_str()), (503, "vacancy_unavailable"));
        assert!(refused.header("retry-after").parse::<u32>().is_ok(), "{method} {path}");
    }

    let env = [("VACANCY_PORT", port.as_str())];
    let _vacancy = Process::vacancy(dir.path(), &env).await;
    until("the readings are live again", async || is_live(&ticket).await).await;
    let read = door.get("/api/v1/available").await.json();
    assert_eq!(read, json!({"qty": 28}));
    until("writes go on", async || {
        door.post(&format!("{path}/confirm"), json!({})).await.status == 200
    })
    .await;
    assert_eq!(door.get(&path).await.json()["state"], "confirmed");
}

#[tokio::test]
async fn a_door_that_never_met_vacancy_says_so() {
    let url = format!("http://127.0.0.1:{}", system_tests::free_port());
    let ticket = Process::ticket(&url, &[("VACANCY_RECONNECT_WAIT_S", "0.1")]).await;
    for path in [
        "/api/v1/available",
        "/api/v1/events",
        "/api/v1/events/default",
        "/api/v1/events/default/stream",
    ] {
        let refused = ticket.client().get(path).await;
        assert_eq!((refused.status, refused.problem().as_str()), (503, "vacancy_unavailable"));
    }
}

#[tokio::test]
async fn a_ledger_that_was_replaced_by_a_shorter_one_is_read() {
    let Pair { ticket, vacancy, dir: _dir } = Pair::start(&[("INITIAL_STOCK", "30")]).await;
    let door = ticket.client();
    for _ in 0..5 {
        door.post("/api/v1/purchase", json!({"qty": 1})).await;
    }
    assert_eq!(door.available().await, 25);
    let port = vacancy.port().to_string();
    vacancy.kill().await;
    let other = tempfile::tempdir().unwrap();
    let env = [("VACANCY_PORT", port.as_str()), ("INITIAL_STOCK", "40")];
    let _vacancy = Process::vacancy(other.path(), &env).await;
    until("the new ledger is read", async || door.available().await == 40).await;
}
