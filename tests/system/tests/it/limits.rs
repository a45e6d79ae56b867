//! Limits without a test elsewhere, and the check that docs/limits.md lists every limit with a
//! test.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use serde_json::json;
use system_tests::Process;
use test_postgres::Server;
use tokio::{io::AsyncReadExt, net::TcpListener};

#[tokio::test]
async fn too_long_names_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let monolith = Process::monolith(dir.path(), &[]).await;
    let client = monolith.client();
    let (name, long) = ("a".repeat(64), "a".repeat(65));
    assert_eq!(client.put_event(&name, json!({"stocks": {name.as_str(): 1}})).await.status, 201);
    assert_eq!(client.put_event(&long, json!({"stocks": {"general": 1}})).await.status, 404);
    assert_eq!(
        client.put_event("b", json!({"stocks": {long.as_str(): 1}})).await.problem(),
        "validation"
    );
    let hold = |event: &str, stock: &str, customer: &str| json!({"event": event, "items": [{"stock": stock, "qty": 1}], "customer": customer});
    // Characters are counted, not bytes.
    let (customer, too_long) = ("ö".repeat(128), "x".repeat(129));
    for body in [
        hold(&long, "general", "c"),
        hold("default", &long, "c"),
        hold("default", "general", &too_long),
    ] {
        assert_eq!(client.post("/api/v1/holds", body).await.problem(), "validation");
    }
    let held = client.post("/api/v1/holds", hold("default", "general", &customer)).await;
    assert_eq!(held.status, 201);
    let confirm = format!("{}/confirm", held.header("location"));
    assert_eq!(
        client.post(&confirm, json!({"payment_ref": too_long})).await.problem(),
        "validation"
    );
    assert_eq!(client.post(&confirm, json!({"payment_ref": "ö".repeat(128)})).await.status, 200);
    let key = "k".repeat(256);
    assert_eq!(
        client.keyed("/api/v1/reserve", &key, json!({"qty": 1})).await.unwrap().problem(),
        "bad_request"
    );
    assert_eq!(
        client.keyed("/api/v1/reserve", &key[1..], json!({"qty": 1})).await.unwrap().status,
        200
    );
}

#[tokio::test]
async fn too_many_live_holds_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let monolith = Process::monolith(dir.path(), &[("MAX_LIVE_HOLDS", "2")]).await;
    let client = monolith.client();
    let hold = json!({"event": "default", "items": [{"stock": "general", "qty": 1}]});
    let first = client.post("/api/v1/holds", hold.clone()).await;
    assert_eq!((first.status, client.post("/api/v1/holds", hold.clone()).await.status), (201, 201));
    let refused = client.post("/api/v1/holds", hold.clone()).await;
    assert_eq!((refused.status, refused.problem().as_str()), (503, "too_many_holds"));
    assert!(refused.header("retry-after").parse::<u32>().is_ok());
    assert_eq!(
        client.post("/api/v1/purchase", json!({"qty": 1})).await.status,
        200,
        "a sale holds nothing"
    );
    assert_eq!(client.delete(first.header("location")).await.status, 204);
    assert_eq!(client.post("/api/v1/holds", hold).await.status, 201);
}

#[tokio::test]
async fn full_purchase_queue_refuses_immediately() {
    // It accepts calls and never responds.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let few = [
        ("VACANCY_CALLS", "1"),
        ("VACANCY_QUEUE_MAX", "1"),
        ("VACANCY_TIMEOUT", "5"),
        ("VACANCY_RETRIES", "0"),
    ];
    let ticket = Process::ticket(&url, &few).await;
    let client = ticket.client();
    let buy = || {
        let client = client.clone();
        tokio::spawn(async move { client.post("/api/v1/purchase", json!({"qty": 1})).await })
    };
    let under_way = buy();
    // Another connection asks for the stream of events.
    let mut connections = Vec::new();
    let mut first = [0; 4];
    while &first != b"POST" {
        let (mut connection, _) = silent.accept().await.unwrap();
        connection.read_exact(&mut first).await.unwrap();
        connections.push(connection);
    }
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
async fn unreachable_collector_delays_nothing() {
    // A collector that accepts and never reads.
    let collector = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", collector.local_addr().unwrap());
    let dir = tempfile::tempdir().unwrap();
    let env = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "8"),
        ("OTEL_BSP_SCHEDULE_DELAY", "10"),
    ];
    let monolith = Process::monolith(dir.path(), &env).await;
    let client = monolith.client();
    let since = Instant::now();
    for _ in 0..200 {
        assert_eq!(client.get("/api/v1/available").await.status, 200);
    }
    assert!(since.elapsed() < Duration::from_secs(15), "{:?}", since.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn database_connections_stay_within_the_limit() {
    // Two connections that write, two that read, one of the monitor.
    const CONNECTIONS_MAX: u64 = 5;
    let server = tokio::task::spawn_blocking(|| Server::start(&["fsync = off"])).await.unwrap();
    let url = server.database().await;
    let few = [
        ("STORE_URL", url.as_str()),
        ("STORE_CONNECTIONS", "2"),
        ("STORE_READ_CONNECTIONS", "2"),
        ("CACHE_TTL_SECONDS", "0"),
    ];
    let patient = [
        ("STORE_LOCK_TIMEOUT_S", "20"),
        ("STORE_STATEMENT_TIMEOUT_S", "20"),
        ("REQUEST_TIMEOUT_S", "40"),
    ];
    let vacancy = Process::start("vacancy", &[&few[..], &patient].concat()).await;
    let client = vacancy.client();
    for event in 0..8 {
        assert_eq!(
            client
                .put_event(&format!("e{event}"), json!({"stocks": {"general": 1_000}}))
                .await
                .status,
            201
        );
    }
    let asked = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'ticket-system'";
    let buyers: Vec<_> = (0..64)
        .map(|buyer| {
            let client = client.clone();
            tokio::spawn(async move {
                let hold = json!({"event": format!("e{}", buyer % 8), "items": [{"stock": "general", "qty": 1}]});
                for _ in 0..10 {
                    let held = client.post("/api/v1/holds", hold.clone()).await;
                    assert_eq!(held.status, 201, "{}", held.json());
                    assert_eq!(client.get(held.header("location")).await.status, 200);
                    assert_eq!(client.get(&format!("/api/v1/events/e{}", buyer % 8)).await.status, 200);
                }
            })
        })
        .collect();
    let mut most = 0;
    while buyers.iter().any(|buyer| !buyer.is_finished()) {
        most = most.max(server.ask("postgres", asked).await.parse().unwrap());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    for buyer in buyers {
        buyer.await.unwrap();
    }
    assert_eq!(most, CONNECTIONS_MAX, "all that are allowed, and no more");
}

#[test]
fn limits_table_matches_settings_and_tests() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let read = |path: &str| std::fs::read_to_string(root.join(path)).unwrap();
    let table = read("docs/limits.md");
    for line in read("docs/configuration.md").lines().filter_map(|line| line.strip_prefix("| `")) {
        let name = line.split('`').next().unwrap();
        let is_limit = name.starts_with("MAX_")
            || name.ends_with("_MAX")
            || name.ends_with("_BYTES")
            || name.starts_with("RATE_LIMIT_P");
        assert!(
            !is_limit || table.contains(&format!("`{name}`")),
            "{name} is not in docs/limits.md"
        );
    }
    let mut sources = String::new();
    let mut folders: Vec<_> =
        ["crates", "services", "operator", "tests"].map(|folder| root.join(folder)).into();
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
    // The tests are in the last column.
    let mut tests = 0;
    let rows = table.lines().filter_map(|line| line.strip_suffix('|')?.rsplit_once('|'));
    for name in rows.flat_map(|(_, cell)| cell.split('`').skip(1).step_by(2)) {
        assert!(sources.contains(&format!("fn {name}(")), "there is no test {name}");
        tests += 1;
    }
    assert!(tests > 35, "{tests}");
}
