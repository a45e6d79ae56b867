//! Limits and deadlines of connections.

use std::time::{Duration, Instant};

use http_server::server::ServerSettings;
use tokio::time::sleep;

use crate::support::{Setup, ms};

const GET: &str = "GET /items/1 HTTP/1.1\r\nhost: t\r\n\r\n";

fn with(server: ServerSettings) -> Setup {
    Setup { server, ..Setup::default() }
}

/// Asserts that `began` lies between the two bounds back.
#[track_caller]
fn assert_took(began: Instant, from: Duration, to: Duration) {
    let took = began.elapsed();
    assert!((from..to).contains(&took), "took {took:?}, expected {from:?} to {to:?}");
}

#[tokio::test]
async fn a_slow_head_is_cut_at_the_deadline() {
    let server =
        with(ServerSettings { header_timeout: ms(300), ..Default::default() }).start().await;
    for beginning in ["", "GET /items/1 HTTP/1.1\r\nhost:", "PRI * HTTP/2.0\r\n"] {
        let began = Instant::now();
        let mut conn = server.connect().await;
        conn.send(beginning).await;
        conn.closed().await;
        assert_took(began, ms(250), ms(1_500));
    }
}

#[tokio::test]
async fn a_dripping_head_is_cut_at_its_deadline_first_or_later() {
    let server =
        with(ServerSettings { header_timeout: ms(300), ..Default::default() }).start().await;
    let mut conn = server.connect().await;
    conn.send(GET).await;
    assert_eq!(conn.answer().await.status, 200);
    assert!(conn.stays_open(ms(600)).await, "being idle is no slow head");
    let began = Instant::now();
    for byte in ["G", "E", "T", " "] {
        conn.send(byte).await;
        sleep(ms(60)).await;
    }
    conn.closed().await;
    assert_took(began, ms(250), ms(1_500));
}

#[tokio::test]
async fn an_idle_connection_is_closed() {
    let server =
        with(ServerSettings { keepalive_idle: ms(400), ..Default::default() }).start().await;
    let mut conn = server.connect().await;
    conn.send(GET).await;
    assert_eq!(conn.answer().await.status, 200);
    let began = Instant::now();
    conn.closed().await;
    assert_took(began, ms(250), ms(1_500));
}

#[tokio::test]
async fn a_connection_that_never_sends_is_closed_as_idle() {
    let server =
        with(ServerSettings { keepalive_idle: ms(400), ..Default::default() }).start().await;
    let began = Instant::now();
    server.connect().await.closed().await;
    assert_took(began, ms(250), ms(1_500));
}

#[tokio::test]
async fn a_connection_that_never_sends_does_not_hold_up_shutdown() {
    let server = with(ServerSettings { shutdown_drain: ms(0), ..Default::default() }).start().await;
    let mut conn = server.connect().await;
    sleep(ms(50)).await;
    let report = server.stop().await.expect("no panic");
    assert!(report.cut == 0 && report.shutdown_took < ms(1_500), "{report:?}");
    conn.closed().await;
}

#[tokio::test]
async fn a_head_that_arrives_byte_by_byte_is_read() {
    let server = Setup::default().start().await;
    let order = "POST /order HTTP/1.1\r\nhost: t\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}";
    // The first one begins like HTTP/2.
    for (request, status) in
        [("PRI /items/1 HTTP/1.1\r\nhost: t\r\n\r\n", 405), (order, 422), (GET, 200)]
    {
        let mut conn = server.connect().await;
        for byte in request.as_bytes() {
            conn.send_bytes(&[*byte]).await;
            sleep(ms(1)).await;
        }
        assert_eq!(conn.answer().await.status, status, "{request}");
    }
}

#[tokio::test]
async fn a_connection_in_use_outlives_the_idle_time() {
    let server =
        with(ServerSettings { keepalive_idle: ms(400), ..Default::default() }).start().await;
    let mut conn = server.connect().await;
    for _ in 0..8 {
        conn.send(GET).await;
        assert_eq!(conn.answer().await.status, 200);
        sleep(ms(100)).await;
    }
    conn.send("GET /slow?ms=900 HTTP/1.1\r\nhost: t\r\n\r\n").await;
    assert_eq!(conn.answer().await.status, 200, "a request in flight is not idle");
}

#[tokio::test]
async fn an_old_connection_closes_with_its_next_response() {
    let settings = ServerSettings { max_connection_age: ms(300), ..Default::default() };
    let server = with(settings).start().await;
    let mut conn = server.connect().await;
    conn.send(GET).await;
    assert_eq!(conn.answer().await.header("connection"), None);
    assert!(conn.stays_open(ms(500)).await, "an idle client may be sending just now");
    conn.send(GET).await;
    let answer = conn.answer().await;
    assert_eq!((answer.status, answer.header("connection")), (200, Some("close")));
    conn.closed().await;
}

#[tokio::test]
async fn heads_over_the_limit_are_431() {
    let server =
        with(ServerSettings { max_header_bytes: 8_192, ..Default::default() }).start().await;
    let large = format!("GET / HTTP/1.1\r\nhost: t\r\nx-large: {}\r\n\r\n", "x".repeat(9_000));
    server.request(&large).await.assert_problem(431, "header_too_large");
    let many = format!("GET / HTTP/1.1\r\nhost: t\r\n{}\r\n", "a: b\r\n".repeat(200));
    server.request(&many).await.assert_problem(431, "header_too_large");
    let nonsense = server.request("GET /\u{1} nonsense\r\n\r\n").await;
    nonsense.assert_problem(400, "bad_request");
    assert_eq!(nonsense.header("connection"), Some("close"));
}

#[tokio::test]
async fn over_the_connection_cap_only_probes_are_answered() {
    let server = with(ServerSettings { max_connections: 2, ..Default::default() }).start().await;
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut conn = server.connect().await;
        conn.send(GET).await;
        assert_eq!(conn.answer().await.status, 200);
        held.push(conn);
    }
    let mut refused = server.connect().await;
    refused.send(GET).await;
    let answer = refused.answer().await;
    assert_eq!((answer.status, answer.header("connection")), (503, Some("close")));
    assert!(matches!(answer.header("retry-after"), Some("1" | "2")), "{answer:?}");
    refused.closed().await;
    for probe in ["/health", "/livez", "/ready", "/readyz", "/metrics"] {
        assert_eq!(server.get(probe).await.status, 200, "{probe}");
    }
    assert_eq!(server.metrics.connections().refused.get(), 6);

    drop(held);
    sleep(ms(100)).await;
    assert_eq!(server.get("/items/1").await.status, 200, "slots are given back");
}

#[tokio::test]
async fn beyond_the_reserve_connections_are_dropped() {
    let server = with(ServerSettings { max_connections: 1, ..Default::default() }).start().await;
    let mut held = Vec::new();
    for _ in 0..=ServerSettings::OVERFLOW_CONNECTIONS {
        held.push(server.connect().await);
    }
    let mut dropped = server.connect().await;
    assert_eq!(dropped.closed().await, "");
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let server = Setup::default().start().await;
    let mut conn = server.connect().await;
    conn.send("GET /items/1 HTTP/1.1\r\nhost: t\r\n\r\nGET /items/2 HTTP/1.1\r\nhost: t\r\n\r\n")
        .await;
    assert_eq!(conn.answer().await.text(), "1");
    assert_eq!(conn.answer().await.text(), "2");
}

#[tokio::test]
async fn a_body_that_nobody_reads_does_not_end_its_connection() {
    let server = Setup::default().start().await;
    for path in ["/unheard-of", "/items/1"] {
        let mut conn = server.connect().await;
        for _ in 0..3 {
            conn.send(&format!(
                "POST {path} HTTP/1.1\r\nhost: t\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n"
            ))
            .await;
            let refused = conn.answer().await;
            assert!(matches!(refused.status, 404 | 405), "{path}: {}", refused.status);
            assert_eq!(refused.header("connection"), None, "{path}");
            conn.send(r#"{"qty":1}"#).await;
            conn.send("GET /items/2 HTTP/1.1\r\nhost: t\r\n\r\n").await;
            assert_eq!(conn.answer().await.text(), "2", "{path}");
        }
    }
}
