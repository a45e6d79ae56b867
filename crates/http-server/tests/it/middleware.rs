//! Request ids, limits, deadlines, CORS and compression.

use std::io::Read;

use flate2::read::GzDecoder;
use http_server::middleware::{CorsOrigins, RequestSettings};

use crate::support::{Setup, ms};

fn with(requests: RequestSettings) -> Setup {
    Setup { requests, ..Setup::default() }
}

#[tokio::test]
async fn unknown_paths_and_methods_are_problems() {
    let server = Setup::default().start().await;
    server.get("/nowhere").await.assert_problem(404, "not_found");
    let answer = server.post("/items/1", "", "").await;
    answer.assert_problem(405, "method_not_allowed");
    assert!(answer.header("allow").is_some_and(|allow| allow.contains("GET")), "{answer:?}");
    server.post("/health", "", "").await.assert_problem(405, "method_not_allowed");
}

#[tokio::test]
async fn problems_carry_their_members() {
    let server = Setup::default().start().await;
    let answer = server.get("/fails").await;
    let body = answer.assert_problem(503, "overloaded");
    assert_eq!(&body["seq"], &42);
    // Who is refused together does not come back together.
    assert!((7..=14).contains(&body["retry_after_s"].as_u64().expect("seconds")), "{body}");
    assert_eq!(answer.header("retry-after"), Some(body["retry_after_s"].to_string().as_str()));
}

#[tokio::test]
async fn a_panic_is_500_and_leaks_nothing() {
    let server = Setup::default().start().await;
    let mut conn = server.connect().await;
    for _ in 0..2 {
        conn.send("GET /panic HTTP/1.1\r\nhost: t\r\n\r\n").await;
        let answer = conn.answer().await;
        answer.assert_problem(500, "internal");
        assert!(!answer.text().contains("secret"));
    }
    assert_eq!(server.metrics.text().expect("metrics").matches("status=\"500\"} 2").count(), 1);
}

#[tokio::test]
async fn request_ids_go_in_and_out() {
    let server = Setup::default().start().await;
    let answer = server.request("GET /id HTTP/1.1\r\nhost: t\r\nx-request-id: abc-1\r\n\r\n").await;
    assert_eq!((answer.header("x-request-id"), answer.text()), (Some("abc-1"), "abc-1"));
    let answer = server.request("GET /id HTTP/1.1\r\nhost: t\r\nx-request-id: a\"b\r\n\r\n").await;
    assert_eq!(answer.header("x-request-id"), Some(answer.text()));
    assert_ne!(answer.text(), "a\"b");
    assert_eq!(answer.text().len(), 36);
    let answer =
        server.request("GET /nowhere HTTP/1.1\r\nhost: t\r\nx-request-id: abc-2\r\n\r\n").await;
    assert_eq!(answer.assert_problem(404, "not_found")["request_id"], "abc-2");

    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let answer = server
        .request(&format!("GET /id HTTP/1.1\r\nhost: t\r\ntraceparent: {trace}\r\n\r\n"))
        .await;
    assert_eq!(answer.header("traceparent"), Some(trace));
    assert_eq!(server.get("/id").await.header("traceparent"), None);
}

#[tokio::test]
async fn a_slow_handler_is_503_and_a_slow_body_408() {
    let requests =
        RequestSettings { request_timeout: ms(300), body_timeout: ms(600), ..Default::default() };
    let server = with(requests).start().await;
    server.get("/slow?ms=5000").await.assert_problem(503, "deadline_exceeded");
    assert_eq!(server.get("/slow?ms=1").await.status, 200);

    let mut conn = server.connect().await;
    conn.send("POST /order HTTP/1.1\r\nhost: t\r\ncontent-type: application/json\r\ncontent-length: 10\r\n\r\n{").await;
    let answer = conn.answer().await;
    answer.assert_problem(408, "request_timeout");
    assert_eq!(answer.header("connection"), Some("close"));
    conn.closed().await;

    // Slower than the request's deadline, faster than the body's: the deadline counts from its
    // arrival.
    let mut conn = server.connect().await;
    conn.send("POST /order HTTP/1.1\r\nhost: t\r\ncontent-type: application/json\r\ncontent-length: 10\r\n\r\n{\"qty\"").await;
    tokio::time::sleep(ms(400)).await;
    conn.send(": 1}").await;
    assert_eq!(conn.answer().await.status, 200);
}

#[tokio::test]
async fn bodies_over_the_limit_are_413() {
    let server = with(RequestSettings { max_body_bytes: 100, ..Default::default() }).start().await;
    let json = "content-type: application/json\r\n";
    assert_eq!(server.post("/order", json, &format!("{:<100}", "{\"qty\": 1}")).await.status, 200);
    let answer = server.post("/order", json, &" ".repeat(200_000)).await;
    answer.assert_problem(413, "body_too_large");
    assert_eq!(answer.header("connection"), Some("close"));

    // Without a length beforehand.
    let chunk = format!("{:x}\r\n{}\r\n", 60, " ".repeat(60));
    let mut conn = server.connect().await;
    conn.send(&format!("POST /order HTTP/1.1\r\nhost: t\r\n{json}transfer-encoding: chunked\r\n\r\n{chunk}{chunk}0\r\n\r\n")).await;
    conn.answer().await.assert_problem(413, "body_too_large");
}

#[tokio::test]
async fn over_the_request_cap_only_probes_are_answered() {
    let server = with(RequestSettings { max_in_flight: 1, ..Default::default() }).start().await;
    let mut busy = server.connect().await;
    busy.send("GET /slow?ms=600 HTTP/1.1\r\nhost: t\r\n\r\n").await;
    tokio::time::sleep(ms(100)).await;
    server.get("/items/1").await.assert_problem(503, "overloaded");
    for probe in ["/health", "/api/v1/health", "/livez", "/ready", "/readyz", "/metrics"] {
        assert_eq!(server.get(probe).await.status, 200, "{probe}");
    }
    assert_eq!(busy.answer().await.status, 200);
    assert_eq!(server.get("/items/1").await.status, 200);
}

#[tokio::test]
async fn slow_bodies_leave_room_for_whole_requests() {
    let server =
        with(RequestSettings { max_in_flight: 6, max_slow_bodies: 2, ..Default::default() })
            .start()
            .await;
    let head = "POST /order HTTP/1.1\r\nhost: t\r\ncontent-type: application/json\r\ncontent-length: 10\r\n\r\n{";
    let mut slow = Vec::new();
    for _ in 0..2 {
        let mut conn = server.connect().await;
        conn.send(head).await;
        slow.push(conn);
    }
    tokio::time::sleep(ms(250)).await;
    for _ in 0..6 {
        let mut refused = server.connect().await;
        refused.send(head).await;
        refused.answer().await.assert_problem(503, "overloaded");
        refused.closed().await;
    }
    assert_eq!(server.post_json("/order", "{\"qty\": 1}").await.status, 200);
    assert_eq!(server.get("/items/1").await.status, 200);
    // A body that comes right after its head is not slow.
    let mut prompt = server.connect().await;
    prompt.send(head).await;
    tokio::time::sleep(ms(20)).await;
    prompt.send("\"qty\": 1}").await;
    assert_eq!(prompt.answer().await.status, 200);
    // Slots come back with the bodies' ends.
    for mut conn in slow {
        conn.send("\"qty\": 1}").await;
        assert_eq!(conn.answer().await.status, 200);
    }
    let mut slow = server.connect().await;
    slow.send(head).await;
    tokio::time::sleep(ms(250)).await;
    slow.send("\"qty\": 1}").await;
    assert_eq!(slow.answer().await.status, 200);
}

#[tokio::test]
async fn slow_bodies_never_take_more_than_half_of_the_requests() {
    let server =
        with(RequestSettings { max_in_flight: 4, max_slow_bodies: 1_000, ..Default::default() })
            .start()
            .await;
    let head = "POST /order HTTP/1.1\r\nhost: t\r\ncontent-type: application/json\r\ncontent-length: 10\r\n\r\n{";
    let mut slow = Vec::new();
    for _ in 0..4 {
        let mut conn = server.connect().await;
        conn.send(head).await;
        slow.push(conn);
    }
    tokio::time::sleep(ms(250)).await;
    assert_eq!(server.get("/items/1").await.status, 200);
}

#[tokio::test]
async fn answers_are_compressed_above_the_threshold_when_accepted() {
    let server = Setup::default().start().await;
    let accepting = |path: &str| {
        format!(
            "GET {path} HTTP/1.1\r\nhost: t\r\naccept-encoding: gzip\r\nconnection: close\r\n\r\n"
        )
    };
    assert_eq!(server.request(&accepting("/bytes/900")).await.header("content-encoding"), None);
    assert_eq!(server.get("/bytes/5000").await.header("content-encoding"), None);
    server.request(&accepting("/nowhere")).await.assert_problem(404, "not_found");

    let client = reqwest::Client::new();
    let request = client.get(server.url("/bytes/5000")).header("accept-encoding", "gzip");
    let answer = request.send().await.expect("an answer");
    assert_eq!(answer.headers()["content-encoding"], "gzip");
    assert!(answer.headers().contains_key("x-request-id"));
    let compressed = answer.bytes().await.expect("a body");
    let mut text = String::new();
    GzDecoder::new(&compressed[..]).read_to_string(&mut text).expect("gzip");
    assert!(compressed.len() < 500 && text == "x".repeat(5_000));
}

#[tokio::test]
async fn browsers_may_call_from_the_allowed_origins() {
    let preflight = "OPTIONS /order HTTP/1.1\r\nhost: t\r\norigin: https://a.example\r\n\
                     access-control-request-method: POST\r\naccess-control-request-headers: idempotency-key\r\n\r\n";
    let get = "GET /items/1 HTTP/1.1\r\nhost: t\r\norigin: https://a.example\r\n\r\n";

    let server = Setup::default().start().await;
    let answer = server.request(preflight).await;
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, Some("*")));
    assert_eq!(answer.header("access-control-allow-headers"), Some("idempotency-key"));
    assert!(
        answer
            .header("access-control-allow-methods")
            .is_some_and(|methods| methods.contains("POST"))
    );
    assert_eq!(server.request(get).await.header("access-control-allow-origin"), Some("*"));

    let listed = "https://a.example,https://c.example".parse::<CorsOrigins>().expect("origins");
    let server = with(RequestSettings {
        cors_allow_origins: listed,
        request_timeout: ms(300),
        ..Default::default()
    })
    .start()
    .await;
    assert_eq!(
        server.request(get).await.header("access-control-allow-origin"),
        Some("https://a.example")
    );
    let (panic, slow) =
        (get.replace("/items/1", "/panic"), get.replace("/items/1", "/slow?ms=5000"));
    for (request, code) in [(&panic, "internal"), (&slow, "deadline_exceeded")] {
        let answer = server.request(request).await;
        assert_eq!(
            answer.header("access-control-allow-origin"),
            Some("https://a.example"),
            "{code}: a page must learn of it too"
        );
        assert!(
            answer
                .header("access-control-expose-headers")
                .is_some_and(|names| names.contains("retry-after")),
            "{answer:?}"
        );
        assert_eq!(answer.assert_problem(answer.status, code)["code"], code);
        let other = server.request(&request.replace("a.example", "b.example")).await;
        assert_eq!(other.header("access-control-allow-origin"), None, "{code}");
    }
    let other = get.replace("a.example", "b.example");
    assert_eq!(server.request(&other).await.header("access-control-allow-origin"), None);
}
