//! Metrics of requests.

use telemetry::Metrics;

use crate::support::{Server, Setup, ms};

#[tokio::test]
async fn requests_are_counted_by_route_not_by_path() {
    let server = Setup::default().start().await;
    for id in 0..50 {
        server.get(&format!("/items/{id}")).await;
        server.get(&format!("/unknown/{id}")).await;
        server.request(&format!("M{id} /items/1 HTTP/1.1\r\nhost: t\r\n\r\n")).await;
    }
    let text = server.get("/metrics").await;
    assert_eq!(text.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    let text = text.text();
    for line in [
        "http_requests_total{method=\"GET\",route=\"/items/{id}\",service=\"test\",status=\"200\"} 50",
        "http_requests_total{method=\"GET\",route=\"other\",service=\"test\",status=\"404\"} 50",
        "http_requests_total{method=\"other\",route=\"/items/{id}\",service=\"test\",status=\"405\"} 50",
        "http_request_duration_seconds_count{method=\"GET\",route=\"/items/{id}\",service=\"test\"} 50",
        "http_requests_in_flight{service=\"test\"} 1",
        "build_info{service=\"test\",version=\"1.2.3\"} 1",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
    }
    assert_eq!(text.lines().filter(|line| line.starts_with("http_requests_total{")).count(), 3);
    for (name, least) in [
        ("process_resident_memory_bytes", 1e6),
        ("process_start_time_seconds", 1.6e9),
        ("process_open_fds", 3.0),
        ("process_max_fds", 3.0),
        ("process_cpu_seconds_total", 0.0),
    ] {
        let value = text
            .lines()
            .find_map(|line| line.strip_prefix(name))
            .and_then(|value| value.trim().parse::<f64>().ok());
        assert!(value.is_some_and(|value| value >= least), "{name}: {value:?}");
    }
}

#[tokio::test]
async fn cancelled_stream_is_counted_and_not_in_flight() {
    let server = Setup::default().start().await;
    let client = reqwest::Client::builder().http2_prior_knowledge().build().expect("a client");
    let request = tokio::spawn(client.get(server.url("/slow?ms=5000")).send());
    until(&server, "http_requests_in_flight{service=\"test\"} 1").await;
    request.abort();
    until(&server, "http_requests_in_flight{service=\"test\"} 0").await;
    until(
        &server,
        "http_requests_total{method=\"GET\",route=\"/slow\",service=\"test\",status=\"499\"} 1",
    )
    .await;
}

/// Nothing tells a client that is gone from one that waits with its sending half closed.
#[tokio::test]
async fn gone_caller_leaves_nothing_after_its_response() {
    let server = Setup::default().start().await;
    let mut conn = server.connect().await;
    conn.send("GET /slow?ms=300 HTTP/1.1\r\nhost: t\r\n\r\n").await;
    until(&server, "http_requests_in_flight{service=\"test\"} 1").await;
    drop(conn);
    until(&server, "http_requests_in_flight{service=\"test\"} 0").await;
    until(&server, "http_connections{service=\"test\"} 0").await;
}

/// Waits until the metrics contain `line`.
async fn until(server: &Server, line: &str) {
    let has = || server.metrics.text().expect("metrics").contains(line);
    let wait = async {
        while !has() {
            tokio::time::sleep(ms(10)).await;
        }
    };
    tokio::time::timeout(ms(10_000), wait).await.unwrap_or_else(|_| panic!("never: {line}"));
}

#[test]
fn registries_are_independent() {
    let (first, second) =
        (Metrics::new("a", "1").expect("metrics"), Metrics::new("b", "1").expect("metrics"));
    let own = prometheus::IntCounter::new("tickets_sold_total", "Tickets sold").expect("a counter");
    first.registry().register(Box::new(own.clone())).expect("registered");
    own.inc();
    assert!(first.text().expect("text").contains("tickets_sold_total 1"));
    assert!(!second.text().expect("text").contains("tickets_sold_total"));
}
