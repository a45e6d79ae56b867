//! One process or two, with the same responses.

use serde_json::json;
use system_tests::Process;

#[tokio::test]
async fn monolith_serves_everything_on_one_port() {
    let dir = tempfile::tempdir().unwrap();
    let monolith = Process::monolith(dir.path(), &[("INITIAL_STOCK", "20")]).await;
    let client = monolith.client();
    let bought = client.post("/api/v1/purchase", json!({"qty": 2})).await;
    assert_eq!(
        (bought.status, &bought.json()["message"], &bought.json()["remaining"]),
        (200, &json!("Purchase successful!"), &json!(18))
    );
    assert_eq!(bought.header("event-seq"), "2");
    let reserved = client.post("/api/v1/reserve", json!({"qty": 3})).await.json();
    assert_eq!(
        (&reserved["message"], &reserved["remaining"]),
        (&json!("Reserved 3 tickets"), &json!(15))
    );
    assert_eq!(client.available().await, 15);
    assert_eq!(
        client.post("/api/v1/purchase", json!({"qty": 16})).await.json()["message"],
        "Insufficient inventory"
    );
    assert_eq!(client.get("/ready").await.json()["dependencies"]["vacancy"], "up");
    assert_eq!(client.get("/").await.json()["mode"], "monolith");
    let hold = json!({"event": "default", "items": [{"stock": "general", "qty": 1}]});
    assert_eq!(client.post("/api/v1/holds", hold).await.status, 201);
    assert_eq!(client.get("/api/v1/events/default").await.status, 200);
    let paths = client.get("/openapi.json").await.json();
    assert!(
        paths["paths"]["/api/v1/purchase"].is_object()
            && paths["paths"]["/api/v1/reserve"].is_object()
    );
}

#[tokio::test]
async fn both_modes_use_the_same_data() {
    let dir = tempfile::tempdir().unwrap();
    let monolith = Process::monolith(dir.path(), &[("INITIAL_STOCK", "20")]).await;
    let first = monolith.client().keyed("/api/v1/purchase", "k", json!({"qty": 2})).await.unwrap();
    assert_eq!(monolith.terminate().await, Some(0));
    let vacancy = Process::vacancy(dir.path(), &[("INITIAL_STOCK", "999")]).await;
    let ticket = Process::ticket(vacancy.base(), &[]).await;
    assert_eq!(
        vacancy.client().available().await,
        18,
        "the initial stock counts the first time only"
    );
    let again = ticket.client().keyed("/api/v1/purchase", "k", json!({"qty": 2})).await.unwrap();
    assert_eq!(again.bytes, first.bytes);
}

#[tokio::test]
async fn metrics_report_requests_and_stock() {
    let dir = tempfile::tempdir().unwrap();
    let monolith = Process::monolith(dir.path(), &[]).await;
    let client = monolith.client();
    client.post("/api/v1/purchase", json!({"qty": 2})).await;
    client.post("/api/v1/purchase", json!({"qty": 0})).await;
    let text = String::from_utf8(client.get("/metrics").await.bytes).unwrap();
    let lines = [
        "inventory_stock{event=\"default\",state=\"available\",stock=\"general\"} 998",
        "inventory_stock{event=\"default\",state=\"sold\",stock=\"general\"} 2",
        "inventory_queue_length 0",
        "inventory_ledger_records_total",
        "inventory_commit_seconds_bucket",
        "http_requests_total{method=\"POST\",route=\"/api/v1/purchase\",service=\"monolith\",status=\"200\"} 1",
        "http_requests_total{method=\"POST\",route=\"/api/v1/purchase\",service=\"monolith\",status=\"422\"} 1",
        "process_resident_memory_bytes",
    ];
    for line in lines {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
}
