//! Clients that close their sending half and wait for the responses.

use std::time::{Duration, Instant};

use crate::support::{Server, Setup, ms};

const GET: &str = "GET /items/1 HTTP/1.1\r\nhost: t\r\n\r\n";
const SLOW: &str = "GET /slow?ms=200 HTTP/1.1\r\nhost: t\r\n\r\n";
const LAST: &str = "GET /items/7 HTTP/1.1\r\nhost: t\r\nconnection: close\r\n\r\n";

/// Sends `requests` and then the end; returns everything that the server sends until it closes.
async fn exchange(server: &Server, requests: &str, pause: Duration) -> String {
    let mut conn = server.connect().await;
    conn.send(requests).await;
    if !pause.is_zero() {
        tokio::time::sleep(pause).await;
    }
    conn.end().await;
    conn.closed().await
}

#[tokio::test]
async fn accepted_requests_are_answered_after_a_half_close() {
    let server = Setup::default().start().await;
    let post = "POST /order HTTP/1.1\r\nhost: t\r\ncontent-type: application/json\r\ncontent-length: 10\r\n\r\n{\"qty\": 3}";
    let chunked = "POST /order HTTP/1.1\r\nhost: t\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\na\r\n{\"qty\": 4}\r\n0\r\n\r\n";
    let cases: [(&[&str], usize); 8] = [
        (&[GET], 1),
        (&[SLOW], 1),
        (&[LAST], 1),
        (&[post], 1),
        (&[chunked], 1),
        (&[SLOW, GET, post, LAST], 4),
        (&[post, SLOW, SLOW], 3),
        (&[LAST, GET], 1),
    ];
    for (requests, answers) in cases {
        for pause in [Duration::ZERO, ms(50)] {
            let got = exchange(&server, &requests.concat(), pause).await;
            assert_eq!(
                got.matches("HTTP/1.1 200 OK").count(),
                answers,
                "{requests:?} {pause:?}: {got}"
            );
        }
    }
    assert_eq!(server.metrics.connections().open.get(), 0, "no connection is left");
}

#[tokio::test]
async fn unfinished_request_of_a_half_closed_connection_is_refused() {
    let server = Setup::default().start().await;
    let body = "POST /order HTTP/1.1\r\nhost: t\r\ncontent-type: application/json\r\ncontent-length: 10\r\n\r\n{\"qty\"";
    let got = exchange(&server, body, Duration::ZERO).await;
    assert!(got.starts_with("HTTP/1.1 400 "), "{got}");
    // Nothing tells a head that is cut off from a client that gave up.
    let got = exchange(&server, &GET[..20], Duration::ZERO).await;
    assert!(!got.contains("200 OK"), "{got}");
    let got = exchange(&server, &format!("{GET}{}", &GET[..20]), Duration::ZERO).await;
    assert_eq!(got.matches("200 OK").count(), 1, "{got}");
}

#[tokio::test]
async fn idle_half_closed_connections_close_at_once() {
    let server = Setup::default().start().await;
    for requests in ["", GET] {
        let began = Instant::now();
        let mut conn = server.connect().await;
        if !requests.is_empty() {
            conn.send(requests).await;
            assert_eq!(conn.answer().await.status, 200);
        }
        conn.end().await;
        assert_eq!(conn.closed().await, "");
        assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    }
    // Many at once leave nothing behind.
    let mut conns = Vec::new();
    for _ in 0..200 {
        let mut conn = server.connect().await;
        conn.end().await;
        conns.push(conn);
    }
    for conn in &mut conns {
        assert_eq!(conn.closed().await, "");
    }
    while server.metrics.connections().open.get() > 0 {
        tokio::task::yield_now().await;
    }
}
