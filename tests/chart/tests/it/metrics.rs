//! A running system has every metric of the dashboards, the rules and docs/metrics.md, and they
//! have all of its metrics.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use chart_tests::watched::{named, scraped};
use reqwest::Method;
use serde_json::json;
use system_tests::Process;
use test_postgres::Server;

/// Metrics of the cluster: the health of targets, kube-state-metrics, the kubelet. Look a name up
/// there before you add it.
const FOREIGN: [&str; 9] = [
    "up",
    "kube_horizontalpodautoscaler_info",
    "kube_horizontalpodautoscaler_spec_max_replicas",
    "kube_horizontalpodautoscaler_spec_min_replicas",
    "kube_horizontalpodautoscaler_status_condition",
    "kube_horizontalpodautoscaler_status_current_replicas",
    "kube_horizontalpodautoscaler_status_desired_replicas",
    "kubelet_volume_stats_available_bytes",
    "kubelet_volume_stats_capacity_bytes",
];
/// Lets receivers of webhooks be on this machine.
const LOCAL_RECEIVERS: (&str, &str) = ("WEBHOOK_ALLOW_PRIVATE", "true");
/// The tests of the operator check these on a running operator.
const OF_OPERATOR: &str = "ticket_operator_";

#[tokio::test]
async fn watched_metrics_exist() {
    let dir = tempfile::tempdir().unwrap();
    let vacancy = Process::vacancy(&dir.path().join("two"), &[LOCAL_RECEIVERS]).await;
    let ticket = Process::ticket(vacancy.base(), &[]).await;
    let monolith = Process::monolith(&dir.path().join("one"), &[LOCAL_RECEIVERS]).await;
    let shared = on_postgres(dir.path()).await;
    for keeper in [&vacancy, &monolith, &shared] {
        fail_a_delivery(keeper).await;
        open_a_queue(keeper).await;
    }
    for seller in [&ticket, &monolith] {
        assert_eq!(seller.client().post("/api/v1/purchase", json!({"qty": 1})).await.status, 200);
    }
    for keeper in [&vacancy, &monolith, &shared] {
        let hold = json!({"event": "default", "items": [{"stock": "general", "qty": 1}]});
        assert_eq!(keeper.client().post("/api/v1/holds", hold).await.status, 201);
        assert_eq!(keeper.client().get("/api/v1/available").await.status, 200);
    }
    let mut scrapes = Vec::new();
    for process in [&ticket, &vacancy, &monolith, &shared] {
        scrapes.push(scraped(
            &String::from_utf8(process.client().get("/metrics").await.bytes).unwrap(),
        ));
    }
    let two: BTreeSet<_> = scrapes[0].union(&scrapes[1]).cloned().collect();
    let on_postgres: BTreeSet<_> = scrapes[0].union(&scrapes[3]).cloned().collect();
    let named = named();
    let ours: Vec<_> = named
        .iter()
        .filter(|(name, _)| !FOREIGN.contains(&name.as_str()) && !name.starts_with(OF_OPERATOR))
        .collect();
    assert!(ours.len() >= 15, "{ours:?}");
    for (name, places) in ours {
        assert!(
            on_postgres.contains(name),
            "on PostgreSQL no service has {name}, named by {places:?}"
        );
        // The embedded store has no connections, and the monolith makes no calls to vacancy.
        if name.starts_with("inventory_store_") {
            continue;
        }
        assert!(two.contains(name), "no service has {name}, named by {places:?}");
        let of_the_way = name.starts_with("vacancy_");
        assert!(
            of_the_way || scrapes[2].contains(name),
            "the monolith has no {name}, named by {places:?}"
        );
    }
    for name in FOREIGN {
        assert!(named.contains_key(name), "{name} is named nowhere any more");
    }
}

/// Every metric appears in a dashboard or a rule.
#[tokio::test]
async fn every_metric_is_watched() {
    let dir = tempfile::tempdir().unwrap();
    let vacancy = on_postgres(dir.path()).await;
    fail_a_delivery(&vacancy).await;
    open_a_queue(&vacancy).await;
    let ticket = Process::ticket(vacancy.base(), &[]).await;
    assert_eq!(ticket.client().post("/api/v1/purchase", json!({"qty": 1})).await.status, 200);
    let named = named();
    for process in [&ticket, &vacancy] {
        let text = String::from_utf8(process.client().get("/metrics").await.bytes).unwrap();
        for family in text
            .lines()
            .filter_map(|line| line.strip_prefix("# TYPE "))
            .filter_map(|rest| rest.split(' ').next())
        {
            let ends = ["_bucket", "_sum", "_count"];
            let shown = named.keys().any(|name| {
                name == family || name.strip_prefix(family).is_some_and(|end| ends.contains(&end))
            });
            assert!(shown, "{family} is on no dashboard and in no rule");
        }
    }
}

#[tokio::test]
async fn every_metric_is_documented() {
    let dir = tempfile::tempdir().unwrap();
    let shared = on_postgres(dir.path()).await;
    fail_a_delivery(&shared).await;
    open_a_queue(&shared).await;
    let ticket = Process::ticket(shared.base(), &[]).await;
    let monolith = Process::monolith(dir.path(), &[]).await;
    assert_eq!(ticket.client().post("/api/v1/purchase", json!({"qty": 1})).await.status, 200);
    let mut there = BTreeMap::new();
    for process in [&ticket, &shared, &monolith] {
        let text = String::from_utf8(process.client().get("/metrics").await.bytes).unwrap();
        let families =
            text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
        there.extend(families.map(|(name, kind)| (name.to_owned(), kind.to_owned())));
    }
    // The document describes the metrics of the process in one sentence.
    let (process, ours): (BTreeMap<_, _>, BTreeMap<_, _>) =
        there.into_iter().partition(|(name, _)| name.starts_with("process_"));
    let text = std::fs::read_to_string(chart_tests::root("docs/metrics.md")).unwrap();
    for name in process.keys() {
        assert!(text.contains(&format!("`{name}`")), "docs/metrics.md lacks {name}");
    }
    let rows = text.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` | "));
    let described: BTreeMap<_, _> = rows
        .filter_map(|(name, rest)| Some((name.to_owned(), rest.split_once(' ')?.0.to_owned())))
        .filter(|(_, kind)| ["counter", "gauge", "histogram"].contains(&kind.as_str()))
        .collect();
    assert_eq!(described, ours, "left: docs/metrics.md, right: what the services have");
}

/// Tries to deliver to a receiver that does not listen: metrics of deliveries begin with the first.
async fn fail_a_delivery(keeper: &Process) {
    let client = keeper.client();
    let body = json!({"url": "https://127.0.0.1:1/"});
    let path = "/api/v1/admin/webhooks/nowhere";
    assert_eq!(client.admin(Method::PUT, path, &[], Some(body)).await.status, 201);
    assert_eq!(client.post("/api/v1/reserve", json!({"qty": 1})).await.status, 200);
    let started = std::time::Instant::now();
    loop {
        let text = String::from_utf8(client.get("/metrics").await.bytes).unwrap();
        if text.contains("webhook_deliveries_total") && text.contains("webhook_lag_records") {
            return;
        }
        assert!(started.elapsed().as_secs() < 20, "no delivery within 20 s");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

/// vacancy on PostgreSQL. Its signing keys are in `dir`.
async fn on_postgres(dir: &Path) -> Process {
    let url = Server::common().database().await;
    let settings =
        [("STORE_URL", url.as_str()), ("DATA_DIR", dir.to_str().unwrap()), LOCAL_RECEIVERS];
    let process = Process::start("vacancy", &settings).await;
    until_ready(&process).await;
    process
}

/// Opens a sale with a waiting room: its metrics begin with the draw.
async fn open_a_queue(keeper: &Process) {
    let client = keeper.client();
    let now = jiff::Timestamp::now();
    let at = |seconds: i64| (now + jiff::SignedDuration::from_secs(seconds)).to_string();
    let body = json!({"stocks": {"general": 10}, "opens_at": at(2), "queue": {"opens_at": at(-1), "draw": true}});
    let answer = client.put_event("rush", body).await;
    assert_eq!(answer.status, 201, "{}", answer.json());
    let started = std::time::Instant::now();
    loop {
        let text = String::from_utf8(client.get("/metrics").await.bytes).unwrap();
        if ["queue_draw_blocked", "queue_bound"].iter().all(|name| text.contains(name)) {
            return;
        }
        assert!(started.elapsed().as_secs() < 20, "the sale is not open within 20 s");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

/// Waits until vacancy is ready: it listens before its tables exist.
async fn until_ready(process: &Process) {
    let started = std::time::Instant::now();
    while process.client().get("/ready").await.status != 200 {
        assert!(started.elapsed().as_secs() < 120, "it is not ready");
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
}
