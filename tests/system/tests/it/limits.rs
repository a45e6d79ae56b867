//! Limits that no other test exceeds, and that docs/limits.md names a test that exists for each.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::json;
use system_tests::Process;
use tokio::net::TcpListener;

#[tokio::test]
async fn names_longer_than_allowed_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let monolith = Process::monolith(dir.path(), &[]).await;
    let client = monolith.client();
    let (name, long) = ("a".repeat(64), "a".repeat(65));
    assert_eq!(client.put_event(&name, json!({"stocks": {name.as_str(): 1}})).await.status, 201);
    assert_eq!(client.put_event(&long, json!({"stocks": {"general": 1}})).await.status, 404);
    assert_eq!(client.put_event("b", json!({"stocks": {long.as_str(): 1}})).await.problem(), "validation");
    let hold =
        |event: &str, stock: &str, customer: &str| json!({"event": event, "items": [{"stock": stock, "qty": 1}], "customer": customer});
    // Characters are counted, not bytes.
    let (customer, too_long) = ("ö".repeat(128), "x".repeat(129));
    for body in [hold(&long, "general", "c"), hold("default", &long, "c"), hold("default", "general", &too_long)] {
        assert_eq!(client.post("/api/v1/holds", body).await.problem(), "validation");
    }
    let held = client.post("/api/v1/holds", hold("default", "general", &customer)).await;
    assert_eq!(held.status, 201);
    let confirm = format!("{}/confirm", held.header("location"));
    assert_eq!(client.post(&confirm, json!({"payment_ref": too_long})).await.problem(), "validation");
    assert_eq!(client.post(&confirm, json!({"payment_ref": "ö".repeat(128)})).await.status, 200);
    let key = "k".repeat(256);
    assert_eq!(client.keyed("/api/v1/reserve", &key, json!({"qty": 1})).await.unwrap().problem(), "bad_request");
    assert_eq!(client.keyed("/api/v1/reserve", &key[1..], json!({"qty": 1})).await.unwrap().status, 200);
}

#[tokio::test]
async fn more_live_holds_than_allowed_are_refused_until_one_ends() {
    let dir = tempfile::tempdir().unwrap();
    let monolith = Process::monolith(dir.path(), &[("MAX_LIVE_HOLDS", "2")]).await;
    let client = monolith.client();
    let hold = json!({"event": "default", "items": [{"stock": "general", "qty": 1}]});
    let first = client.post("/api/v1/holds", hold.clone()).await;
    assert_eq!((first.status, client.post("/api/v1/holds", hold.clone()).await.status), (201, 201));
    let refused = client.post("/api/v1/holds", hold.clone()).await;
    assert_eq!((refused.status, refused.problem().as_str()), (503, "too_many_holds"));
    assert!(refused.header("retry-after").parse::<u32>().is_ok());
    assert_eq!(client.post("/api/v1/purchase", json!({"qty": 1})).await.status, 200, "a sale holds nothing");
    assert_eq!(client.delete(first.header("location")).await.status, 204);
    assert_eq!(client.post("/api/v1/holds", hold).await.status, 201);
}

#[tokio::test]
async fn a_full_queue_of_purchases_refuses_at_once() {
    // It takes calls and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let few = [("VACANCY_CALLS", "1"), ("VACANCY_QUEUE_MAX", "1"), ("VACANCY_TIMEOUT", "5"), ("VACANCY_RETRIES", "0")];
    let ticket = Process::ticket(&url, &few).await;
    let client = ticket.client();
    let buy = || {
        let client = client.clone();
        tokio::spawn(async move { client.post("/api/v1/purchase", json!({"qty": 1})).await })
    };
    let under_way = buy();
    let (_connection, _) = silent.accept().await.unwrap();
    let waiting = buy();
    tokio::time::sleep(Duration::from_millis(300)).await;
    let since = Instant::now();
    let refused = client.post("/api/v1/purchase", json!({"qty": 1})).await;
    assert_eq!((refused.status, refused.problem().as_str()), (503, "overloaded"));
    assert!(since.elapsed() < Duration::from_secs(2), "{:?}", since.elapsed());
    for one in [under_way, waiting] {
        assert_eq!(one.await.unwrap().status, 503);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn traces_that_nobody_takes_hold_nothing_up() {
    // A collector that accepts and never reads.
    let collector = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", collector.local_addr().unwrap());
    let dir = tempfile::tempdir().unwrap();
    let env = [("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()), ("OTEL_BSP_MAX_QUEUE_SIZE", "8"), ("OTEL_BSP_SCHEDULE_DELAY", "10")];
    let monolith = Process::monolith(dir.path(), &env).await;
    let client = monolith.client();
    let since = Instant::now();
    for _ in 0..200 {
        assert_eq!(client.get("/api/v1/available").await.status, 200);
    }
    assert!(since.elapsed() < Duration::from_secs(15), "{:?}", since.elapsed());
}

#[test]
fn every_limit_of_the_settings_is_in_the_table_and_every_test_in_it_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let read = |path: &str| std::fs::read_to_string(root.join(path)).unwrap();
    let table = read("docs/limits.md");
    for line in read("docs/configuration.md").lines().filter_map(|line| line.strip_prefix("| `")) {
        let name = line.split('`').next().unwrap();
        let is_limit = name.starts_with("MAX_") || name.ends_with("_MAX") || name.ends_with("_BYTES") || name.starts_with("RATE_LIMIT_P");
        assert!(!is_limit || table.contains(&format!("`{name}`")), "{name} is not in docs/limits.md");
    }
    let mut sources = String::new();
    let mut folders: Vec<_> = ["services", "tests/system"].map(|folder| root.join(folder)).into();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                sources.push_str(&std::fs::read_to_string(path).unwrap());
            }
        }
    }
    let mut tests = 0;
    for name in table.split('`').filter(|text| text.matches('_').count() >= 4 && *text == text.to_lowercase()) {
        assert!(sources.contains(&format!("fn {name}(")), "there is no test {name}");
        tests += 1;
    }
    assert!(tests > 35, "{tests}");
}
