//! Metrics of requests.

use telemetry::Metrics;

use crate::support::{Setup, ms};

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
async fn a_caller_that_goes_away_is_counted_and_leaves_nothing_in_flight() {
    let server = Setup::default().start().await;
    let mut conn = server.connect().await;
    conn.send("GET /slow?ms=5000 HTTP/1.1\r\nhost: t\r\n\r\n").await;
    tokio::time::sleep(ms(100)).await;
    assert!(
        server
            .metrics
            .text()
            .expect("metrics")
            .contains("http_requests_in_flight{service=\"test\"} 1")
    );
    drop(conn);
    tokio::time::sleep(ms(100)).await;
    let text = server.metrics.text().expect("metrics");
    assert!(text.contains("http_requests_in_flight{service=\"test\"} 0"));
    assert!(text.contains(
        "http_requests_total{method=\"GET\",route=\"/slow\",service=\"test\",status=\"499\"} 1"
    ));
    assert!(text.contains("http_connections{service=\"test\"} 0"));
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
