//! What a client accepts changes the form of a response, and never its outcome.

use crate::support::{Server, Setup};

/// Values of `Accept-Encoding`, and whether a large response is compressed.
const ENCODINGS: [(&str, bool); 14] = [
    ("identity;q=0", false),
    ("*;q=0", false),
    ("gzip;q=0", false),
    ("gzip;q=0, identity;q=0", false),
    ("identity;q=0, *;q=0", false),
    ("br;q=1.0, identity;q=0", false),
    ("\u{1f3ab}, ;;q==,", false),
    ("gzip;q=7", false),
    ("", false),
    ("gzip", true),
    ("identity;q=0, gzip", true),
    ("gzip;q=0.001, identity;q=0", true),
    ("*", true),
    ("x-gzip;q=1", true),
];

async fn effects(server: &Server) -> u64 {
    server.get("/effects").await.text().parse().expect("a number")
}

#[tokio::test]
async fn no_accept_header_changes_the_outcome_of_a_request() {
    let server = Setup::default().start().await;
    let before = effects(&server).await;
    let mut made = 0;
    for (encoding, compressed) in ENCODINGS {
        for others in ["", "accept: image/png;q=0\r\n", "origin: https://a.example\r\n"] {
            let headers = format!("accept-encoding: {encoding}\r\n{others}connection: close\r\n");
            let mut conn = server.connect().await;
            conn.send(&format!(
                "POST /effect HTTP/1.1\r\nhost: t\r\n{headers}content-length: 0\r\n\r\n"
            ))
            .await;
            let response = conn.closed().await;
            assert!(response.starts_with("HTTP/1.1 200 "), "{encoding} {others}: {response}");
            let is_compressed = response.contains("\r\ncontent-encoding: gzip\r\n");
            assert_eq!(is_compressed, compressed, "{encoding} {others}");
            made += 1;
            assert_eq!(effects(&server).await - before, made, "{encoding} {others}");
        }
    }
}

#[tokio::test]
async fn probes_and_pages_answer_whatever_is_accepted() {
    let server = Setup::default().start().await;
    for (encoding, _) in ENCODINGS {
        for path in ["/", "/health", "/livez", "/ready", "/readyz", "/openapi.json", "/docs"] {
            let request = format!(
                "GET {path} HTTP/1.1\r\nhost: t\r\naccept: text/none\r\naccept-encoding: {encoding}\r\n\r\n"
            );
            let answer = server.request(&request).await;
            assert_eq!(answer.status, 200, "{path} {encoding}");
        }
        let missing =
            format!("GET /none HTTP/1.1\r\nhost: t\r\naccept-encoding: {encoding}\r\n\r\n");
        server.request(&missing).await.assert_problem(404, "not_found");
    }
}

#[tokio::test]
async fn live_responses_are_not_stored() {
    let server = Setup::default().start().await;
    for path in
        ["/", "/health", "/livez", "/ready", "/metrics", "/items/1", "/items/x", "/none", "/fails"]
    {
        let answer = server.get(path).await;
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{path}");
    }
    let order = server.post_json("/order", "{\"qty\": 2}").await;
    assert_eq!((order.status, order.header("cache-control")), (200, Some("no-store")));
    let refused = server.post("/order", "", "{}").await;
    assert_eq!((refused.status, refused.header("cache-control")), (415, Some("no-store")));
    for path in ["/docs", "/docs/index.css", "/redoc", "/openapi.json"] {
        assert_eq!(server.get(path).await.header("cache-control"), Some("no-cache"), "{path}");
    }
}
