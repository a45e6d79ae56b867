//! The sales log: ordered, without gaps, verifiable with a JSON parser and SHA-256.

use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use system_tests::Process;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn ledger_is_whole_and_balances() {
    let dir = tempfile::tempdir().unwrap();
    let vacancy = Process::vacancy(dir.path(), &[("INITIAL_STOCK", "100")]).await;
    let client = vacancy.client();
    let hold = async |qty| {
        client
            .post(
                "/api/v1/holds",
                json!({"event": "default", "items": [{"stock": "general", "qty": qty}], "customer": "Zoë \"Z\" \\ \u{2028}"}),
            )
            .await
    };
    for number in 0..30 {
        client
            .keyed("/api/v1/reserve", &format!("key \\ \" {number}"), json!({"qty": 1}))
            .await
            .unwrap();
    }
    let id = hold(3).await.json()["id"].as_str().unwrap().to_owned();
    client.post(&format!("/api/v1/holds/{id}/confirm"), json!({"payment_ref": "p/1"})).await;
    client
        .admin(Method::POST, &format!("/api/v1/admin/reservations/{id}/refunds"), &[], None)
        .await;
    client.delete(hold(2).await.header("location")).await;

    let records = client.ledger("default").await;
    assert_eq!(records.len(), 1 + 30 + 3 + 2);
    let (mut prev, mut available) = ("0".repeat(64), 0);
    for (seq, event) in (1_u64..).zip(&records) {
        let data = &event["data"];
        assert_eq!(
            (&event["specversion"], &event["source"], &event["sequence"]),
            (&json!("1.0"), &json!("/api/v1/events/default"), &json!(seq.to_string()))
        );
        assert_eq!((&data["seq"], &data["prev"]), (&json!(seq), &json!(prev)));
        // serde_json's maps are ordered by name, so printing what was parsed is the canonical form
        // (RFC 8785).
        prev = hex(&Sha256::digest(serde_json::to_vec(data).unwrap()));
        assert_eq!(event["hash"], prev);
        let qty: i64 = data["items"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|item| item["qty"].as_i64().unwrap())
            .sum();
        available += match data["kind"].as_str().unwrap() {
            "event_put" => 100,
            "sold" | "held" => -qty,
            "refunded" | "released" => qty,
            "confirmed" => 0,
            other => panic!("{other}"),
        };
        assert_eq!(data["left"]["general"], available);
        assert!(event["time"].as_str().unwrap().ends_with('Z'));
    }
    assert_eq!(client.available().await, 70);
    let kinds: Vec<_> = records[31..]
        .iter()
        .map(|event| event["type"].as_str().unwrap().trim_start_matches("io.ticket-system.ledger."))
        .collect();
    assert_eq!(kinds, ["held", "confirmed", "refunded", "held", "released"]);
    assert!(records[31..34].iter().all(|event| event["subject"] == *id));
}

#[tokio::test]
async fn ledger_pages_are_consecutive() {
    let dir = tempfile::tempdir().unwrap();
    let vacancy = Process::vacancy(dir.path(), &[]).await;
    let client = vacancy.client();
    for _ in 0..9 {
        client.post("/api/v1/reserve", json!({"qty": 1})).await;
    }
    let page = async |query: &str| {
        client
            .admin(Method::GET, &format!("/api/v1/admin/events/default/sales{query}"), &[], None)
            .await
    };
    let sequences = |answer: &Value| {
        answer
            .as_array()
            .unwrap()
            .iter()
            .map(|event| event["sequence"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let first = page("?limit=4").await;
    assert_eq!(first.header("content-type"), "application/cloudevents-batch+json");
    assert_eq!(sequences(&first.json()), ["1", "2", "3", "4"]);
    assert_eq!(sequences(&page("?after=8&limit=4").await.json()), ["9", "10"]);
    assert_eq!(page("?after=10").await.json(), json!([]));
    assert_eq!(page("?after=18446744073709551615").await.json(), json!([]));
    assert_eq!(page("?after=x").await.problem(), "validation");
    assert_eq!(page("?limit=100000").await.problem(), "validation");
    let nowhere = client.admin(Method::GET, "/api/v1/admin/events/nowhere/sales", &[], None).await;
    assert_eq!(nowhere.problem(), "event_not_found");
}
