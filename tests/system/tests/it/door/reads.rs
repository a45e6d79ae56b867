//! Reads at the door: current, and free of charge for vacancy.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::json;
use system_tests::Client;

use super::{Pair, hold, items, metric, until};

async fn counts(client: &Client) -> (u64, u64, u64) {
    let body = client.get("/api/v1/events/default").await.json();
    assert!(body.get("stale").is_none(), "{body}");
    let count = |name: &str| body["stocks"]["general"][name].as_u64().unwrap();
    (count("available"), count("held"), count("sold"))
}

#[tokio::test]
async fn a_caller_reads_what_was_written_for_it() {
    let pair = Pair::start(&[("INITIAL_STOCK", "100")]).await;
    let door = pair.door();
    let mut expected = (100, 0, 0);
    for round in 0..20 {
        let bought = door.post("/api/v1/purchase", json!({"qty": 1})).await;
        assert_eq!(bought.status, 200);
        expected = (expected.0 - 1, expected.1, expected.2 + 1);
        assert_eq!(door.available().await, expected.0, "round {round}");
        let made = hold(&door, 2).await;
        expected = (expected.0 - 2, expected.1 + 2, expected.2);
        assert_eq!(counts(&door).await, expected, "round {round}");
        let path = made.header("location").to_owned();
        if round % 2 == 0 {
            assert_eq!(door.post(&format!("{path}/confirm"), json!({})).await.status, 200);
            expected = (expected.0, expected.1 - 2, expected.2 + 2);
        } else {
            assert_eq!(door.delete(&path).await.status, 204);
            expected = (expected.0 + 2, expected.1 - 2, expected.2);
        }
        assert_eq!(counts(&door).await, expected, "round {round}");
    }
}

#[tokio::test]
async fn event_seq_of_a_write_elsewhere_is_included() {
    let pair = Pair::start(&[("INITIAL_STOCK", "1000")]).await;
    let (door, inside) = (pair.door(), pair.inside());
    for left in (900..1_000).rev() {
        let sold = inside.post("/api/v1/reserve", json!({"qty": 1})).await;
        let seq = [("event-seq", sold.header("event-seq"))];
        let read = door.call(Method::GET, "/api/v1/available", &seq, None).await.unwrap();
        assert_eq!((read.status, &read.json()["qty"]), (200, &json!(left)));
        let read = door.call(Method::GET, "/api/v1/events/default", &seq, None).await.unwrap();
        assert_eq!(read.json()["stocks"]["general"]["available"], left);
    }
}

#[tokio::test]
async fn a_crowd_of_readers_costs_vacancy_one_stream() {
    let pair = Pair::start(&[]).await;
    let door = pair.door();
    let reads = (0..1_000).map(|number| {
        let door = door.clone();
        let path = ["/api/v1/available", "/api/v1/events/default", "/api/v1/events"][number % 3];
        async move { door.get(path).await.status }
    });
    let statuses = futures::future::join_all(reads).await;
    assert!(statuses.iter().all(|status| *status == 200));
    assert_eq!(metric(&pair.vacancy, "http_streams_open").await, 1.0);
    let text = String::from_utf8(pair.inside().get("/metrics").await.bytes).unwrap();
    for call in ["/api/v1/available", "/api/v1/events", "/api/v1/internal/batch"] {
        let asked =
            text.lines().any(|line| line.starts_with("http_requests_total") && line.contains(call));
        assert!(!asked, "{call} was called\n{text}");
    }
}

#[tokio::test]
async fn changes_inside_reach_the_door_by_themselves() {
    let pair = Pair::start(&[("INITIAL_STOCK", "50")]).await;
    let (door, inside) = (pair.door(), pair.inside());
    inside.post("/api/v1/reserve", json!({"qty": 3})).await;
    let started = Instant::now();
    until("the sale is seen", async || door.available().await == 47).await;
    assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
    assert_eq!(inside.put_event("gala", json!({"stocks": {"general": 7}})).await.status, 201);
    assert_eq!(door.get("/api/v1/events/gala").await.status, 200, "a new event is asked for");
    until("it is listed", async || {
        door.get("/api/v1/events").await.json()["events"].as_array().unwrap().len() == 2
    })
    .await;
    let gone = inside.admin(Method::DELETE, "/api/v1/admin/events/gala", &[], None).await;
    assert_eq!(gone.status, 204);
    until("it is gone", async || door.get("/api/v1/events/gala").await.status == 404).await;
    assert_eq!(door.get("/api/v1/events").await.json()["events"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn expired_holds_are_available_again_at_once() {
    let pair = Pair::start(&[("INITIAL_STOCK", "10")]).await;
    let door = pair.door();
    let body = json!({"event": "default", "items": items(4), "ttl_s": 1});
    let made = door.post("/api/v1/holds", body).await;
    assert_eq!((made.status, door.available().await), (201, 6));
    let expires_at = made.json()["expires_at"].as_str().unwrap().to_owned();
    let expires_at =
        time::OffsetDateTime::parse(&expires_at, &time::format_description::well_known::Rfc3339)
            .unwrap();
    let left = expires_at - time::OffsetDateTime::now_utc();
    tokio::time::sleep(left.try_into().unwrap_or_default()).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(counts(&door).await, (10, 0, 0));
    assert_eq!(door.get(made.header("location")).await.json()["state"], "expired");
}
