//! Quotas of clients and the reserve for urgent requests.

use std::num::NonZeroU32;

use http_server::{
    middleware::{ClientIdentity, QuotaSettings, RequestSettings},
    server::ServerSettings,
};

use crate::support::{Answer, Server, Setup, ms};

async fn server(trusted: Option<&str>) -> Server {
    // So slow a rate that nothing comes back while the test runs.
    let quota = QuotaSettings {
        rate_per_s: NonZeroU32::new(1),
        burst: NonZeroU32::new(60),
        clients_max: 100,
        identify_by: ClientIdentity::Address,
        trusted_proxies: trusted.map(|list| list.parse().expect("networks")),
    };
    let requests = RequestSettings { quota, ..Default::default() };
    let server = ServerSettings { note_peers: true, ..Default::default() };
    Setup { server, requests, health: None }.start().await
}

async fn ask(server: &Server, forwarded_for: &str) -> Answer {
    server
        .request(&format!(
            "GET /items/1 HTTP/1.1\r\nhost: t\r\nx-forwarded-for: {forwarded_for}\r\n\r\n"
        ))
        .await
}

#[tokio::test]
async fn a_client_over_its_quota_is_told_so_and_when_to_come_again() {
    let server = server(None).await;
    let first = ask(&server, "9.9.9.1").await;
    assert_eq!(
        (first.status, first.header("ratelimit-policy")),
        (200, Some("\"default\";q=60;w=60"))
    );
    assert_eq!(first.header("ratelimit"), Some("\"default\";r=59;t=1"));
    let mut refused = first;
    for number in 0..200 {
        // What it says of itself does not make it another client.
        refused = ask(&server, &format!("9.9.9.{number}")).await;
        if refused.status == 429 {
            break;
        }
    }
    refused.assert_problem(429, "rate_limited");
    assert!(matches!(refused.header("retry-after"), Some("1" | "2")), "{refused:?}");
    assert!(
        refused.header("ratelimit").is_some_and(|limit| limit.starts_with("\"default\";r=0;t=")),
        "{refused:?}"
    );
    for probe in ["/health", "/ready", "/metrics"] {
        assert_eq!(server.get(probe).await.status, 200, "{probe}");
    }
    assert!(
        server
            .metrics
            .text()
            .expect("metrics")
            .contains("http_rate_limited_total{service=\"test\"} 1")
    );
}

#[tokio::test]
async fn a_trusted_proxy_says_for_whom_it_asks() {
    let server = server(Some("127.0.0.0/8")).await;
    for number in 0..100 {
        assert_eq!(
            ask(&server, &format!("9.9.9.{number}")).await.status,
            200,
            "each has a quota of its own"
        );
        assert_eq!(server.get("/items/1").await.status, 200, "and the proxy itself has no limit");
    }
    let mut last = 200;
    for _ in 0..100 {
        last = ask(&server, "9.9.9.1, 127.0.0.9").await.status;
    }
    assert_eq!(last, 429);
}

#[tokio::test]
async fn what_finishes_something_still_gets_in_when_nothing_new_does() {
    let requests = RequestSettings {
        max_in_flight: 10,
        is_urgent: |_, route| route == "/order",
        ..Default::default()
    };
    let server = Setup { requests, ..Setup::default() }.start().await;
    let mut busy = Vec::new();
    for _ in 0..9 {
        let mut conn = server.connect().await;
        conn.send("GET /slow?ms=3000 HTTP/1.1\r\nhost: t\r\n\r\n").await;
        busy.push(conn);
    }
    while server
        .metrics
        .text()
        .expect("metrics")
        .lines()
        .all(|line| line != "http_requests_in_flight{service=\"test\"} 9")
    {
        tokio::time::sleep(ms(5)).await;
    }
    server.get("/items/1").await.assert_problem(503, "overloaded");
    assert_eq!(server.post_json("/order", "{\"qty\":1}").await.status, 200);
    for mut conn in busy {
        assert_eq!(conn.answer().await.status, 200);
    }
    assert_eq!(server.get("/items/1").await.status, 200);
}

#[tokio::test]
async fn a_page_of_another_origin_can_read_that_it_is_over_its_quota() {
    let server = server(None).await;
    let mut refused = server.get("/items/1").await;
    for _ in 0..200 {
        refused = server
            .request("GET /items/1 HTTP/1.1\r\nhost: t\r\norigin: https://shop.example\r\n\r\n")
            .await;
        if refused.status == 429 {
            break;
        }
    }
    refused.assert_problem(429, "rate_limited");
    assert_eq!(refused.header("access-control-allow-origin"), Some("*"));
    assert!(
        refused
            .header("access-control-expose-headers")
            .is_some_and(|names| names.contains("retry-after")),
        "{refused:?}"
    );
}
