//! The calls of the original system, unchanged.

use reqwest::Method;
use serde_json::{Value, json};
use system_tests::{Client, Process};

async fn raw(
    client: &Client,
    path: &str,
    content_type: Option<&str>,
    body: &str,
) -> system_tests::Answer {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut request = http.post(format!("{}{path}", client.base())).body(body.to_owned());
    if let Some(kind) = content_type {
        request = request.header("content-type", kind);
    }
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    system_tests::Answer { status, headers, bytes: response.bytes().await.unwrap().to_vec() }
}

#[tokio::test]
async fn sold_out_stock_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let vacancy = Process::vacancy(dir.path(), &[("INITIAL_STOCK", "10")]).await;
    let ticket = Process::ticket(vacancy.base(), &[]).await;
    assert_eq!(vacancy.client().get("/api/v1/available").await.json(), json!({"qty": 10}));

    let reserved = vacancy.client().post("/api/v1/reserve", json!({"qty": 4})).await;
    let body = reserved.json();
    assert_eq!(
        (reserved.status, &body["success"], &body["remaining"]),
        (200, &json!(true), &json!(6))
    );
    assert_eq!(body["message"], "Reserved 4 tickets");
    assert_eq!(reserved.header("event-seq"), body["seq"].to_string());

    let bought = ticket.client().post("/api/v1/purchase", json!({"qty": 5})).await;
    let body = bought.json();
    assert_eq!(
        (bought.status, &body["success"], &body["remaining"]),
        (200, &json!(true), &json!(1))
    );
    assert_eq!(body["message"], "Purchase successful!");
    assert_eq!(bought.header("event-seq"), body["seq"].to_string());

    for (client, path) in
        [(vacancy.client(), "/api/v1/reserve"), (ticket.client(), "/api/v1/purchase")]
    {
        let refused = client.post(path, json!({"qty": 2})).await;
        let body = refused.json();
        assert_eq!(
            (refused.status, &body["success"], &body["remaining"]),
            (200, &json!(false), &json!(1))
        );
        assert_eq!(body["message"], "Insufficient inventory");
        assert_eq!(refused.header("event-seq"), body["seq"].to_string());
    }
    assert_eq!(vacancy.client().available().await, 1);
}

#[tokio::test]
async fn invalid_orders_are_refused_with_a_reason() {
    let dir = tempfile::tempdir().unwrap();
    let vacancy = Process::vacancy(dir.path(), &[("MAX_QTY", "50")]).await;
    let ticket = Process::ticket(vacancy.base(), &[("MAX_QTY", "50")]).await;
    for (client, path) in
        [(vacancy.client(), "/api/v1/reserve"), (ticket.client(), "/api/v1/purchase")]
    {
        let json = Some("application/json");
        let wrong = [
            "{}",
            "{\"qty\":0}",
            "{\"qty\":-1}",
            "{\"qty\":51}",
            "{\"qty\":1.5}",
            "{\"qty\":1e2}",
            "{\"qty\":\"1\"}",
            "{\"qty\":null}",
            "{\"qty\":true}",
            "{\"qty\":18446744073709551616}",
            "{\"qty\":9223372036854775807}",
            "{\"qty\":1e400}",
            "{\"qty\":1,\"qty\":1}",
            "{\"qty\":1,\"color\":\"red\"}",
            "{\"qty\":1,\"customer\":\"\"}",
            "[]",
            "[1]",
            "[1,\"c\"]",
            "1",
            "null",
            "\"x\"",
        ];
        for body in wrong {
            let answer = raw(&client, path, json, body).await;
            assert_eq!(
                (answer.status, answer.problem().as_str()),
                (422, "validation"),
                "{path} {body}"
            );
        }
        for body in ["", "{", "{\"qty\":1", "qty=1", "{\"qty\":1}}", "\u{0}"] {
            let answer = raw(&client, path, json, body).await;
            assert_eq!(
                (answer.status, answer.problem().as_str()),
                (400, "malformed_json"),
                "{path} {body}"
            );
        }
        for kind in [None, Some("text/plain"), Some("application/x-www-form-urlencoded")] {
            let answer = raw(&client, path, kind, "{\"qty\":1}").await;
            assert_eq!(
                (answer.status, answer.problem().as_str()),
                (415, "unsupported_media_type"),
                "{path} {kind:?}"
            );
        }
        let answer =
            raw(&client, path, json, &format!("{{\"qty\":1,\"x\":\"{}\"}}", "x".repeat(70_000)))
                .await;
        assert_eq!((answer.status, answer.problem().as_str()), (413, "body_too_large"));
        let answer = client.get(path).await;
        assert_eq!((answer.status, answer.problem().as_str()), (405, "method_not_allowed"));
        assert_eq!(
            raw(&client, path, Some("application/json; charset=utf-8"), "{\"qty\":1}").await.status,
            200
        );
        // A whole number may be written with a fraction or an exponent.
        assert_eq!(raw(&client, path, json, "{\"qty\":2.0}").await.status, 200);
    }
    assert_eq!(vacancy.client().available().await, 994);
}

#[tokio::test]
async fn health_readiness_and_start_page_respond() {
    let dir = tempfile::tempdir().unwrap();
    let vacancy = Process::vacancy(dir.path(), &[]).await;
    let ticket = Process::ticket(vacancy.base(), &[]).await;
    for (client, service) in [(vacancy.client(), "vacancy"), (ticket.client(), "ticket")] {
        for path in ["/health", "/api/v1/health", "/livez"] {
            let answer = client.get(path).await;
            assert_eq!(
                (answer.status, answer.json()),
                (200, json!({"status": "healthy", "service": service}))
            );
        }
        for path in ["/ready", "/readyz"] {
            let answer = client.get(path).await;
            let body = answer.json();
            assert_eq!(
                (answer.status, &body["status"], &body["dependencies"]["vacancy"]),
                (200, &json!("ready"), &json!("up"))
            );
        }
        let start = client.get("/").await.json();
        assert_eq!((&start["service"], &start["mode"]), (&json!(service), &json!("microservices")));
        assert!(start["version"].is_string() && start["links"]["docs"] == "/docs");
        let answer = client.get("/nowhere").await;
        assert_eq!((answer.status, answer.problem().as_str()), (404, "not_found"));
    }
}

#[tokio::test]
async fn ticket_reports_missing_vacancy_and_recovers() {
    let dir = tempfile::tempdir().unwrap();
    let port = system_tests::free_port();
    let ticket = Process::ticket(&format!("http://127.0.0.1:{port}"), &[]).await;
    let refused = ticket.client().post("/api/v1/purchase", json!({"qty": 1})).await;
    assert_eq!((refused.status, refused.problem().as_str()), (503, "vacancy_unavailable"));
    assert!(matches!(refused.header("retry-after"), "1" | "2"), "{refused:?}");
    let ready = ticket.client().get("/ready").await;
    assert_eq!((ready.status, &ready.json()["dependencies"]["vacancy"]), (503, &json!("down")));
    assert_eq!(ticket.client().get("/health").await.status, 200);

    let vacancy = Process::vacancy(dir.path(), &[("VACANCY_PORT", &port.to_string())]).await;
    assert_eq!(ticket.client().post("/api/v1/purchase", json!({"qty": 1})).await.status, 200);
    assert_eq!(ticket.client().get("/ready").await.status, 200);
    // The timeout ends calls to a hanging vacancy, with an unknown outcome.
    vacancy.signal("STOP");
    let quick = Process::ticket(vacancy.base(), &[("VACANCY_TIMEOUT", "0.3")]).await;
    let started = std::time::Instant::now();
    let hung = quick.client().post("/api/v1/purchase", json!({"qty": 1})).await;
    assert_eq!((hung.status, hung.problem().as_str()), (503, "vacancy_unavailable"));
    assert!(started.elapsed().as_secs_f64() < 2.0);
    vacancy.signal("CONT");
}

#[tokio::test]
async fn batch_answers_keep_their_order() {
    let dir = tempfile::tempdir().unwrap();
    let vacancy =
        Process::vacancy(dir.path(), &[("INITIAL_STOCK", "5"), ("RESERVE_BATCH_MAX", "6")]).await;
    let client = vacancy.client();
    client.put_event("gig", json!({"stocks": {"general": 1}})).await;
    let batch = json!([
        {"qty": 2, "key": "a"}, {"qty": 0, "key": "b"}, {"qty": 4, "key": "c"}, {"qty": 2, "key": "a"}, {"qty": 1, "key": "d", "event": "gig"}, {"qty": 3, "key": "a"},
    ]);
    let answer = client.post("/api/v1/reserve/batch", batch.clone()).await;
    let answers = answer.json();
    assert_eq!((&answers[0]["success"], &answers[0]["remaining"]), (&json!(true), &json!(3)));
    assert_eq!(answers[1]["code"], "validation");
    assert_eq!((&answers[2]["success"], &answers[2]["remaining"]), (&json!(false), &json!(3)));
    assert_eq!(answers[3], answers[0]);
    assert_eq!((&answers[4]["success"], &answers[4]["remaining"]), (&json!(true), &json!(0)));
    assert_eq!(answers[5]["code"], "idempotency_key_reused");
    assert!(answers[0].get("request_id").is_none());
    for problem in [&answers[1], &answers[5]] {
        assert_eq!(problem["request_id"], answer.header("x-request-id"));
    }
    // A key of a batch is the same key in a single call.
    assert_eq!(
        client.keyed("/api/v1/reserve", "a", json!({"qty": 2})).await.unwrap().json(),
        answers[0]
    );
    assert_eq!(client.available().await, 3);
    for wrong in [json!([]), json!(vec![batch[0].clone(); 7]), json!({"qty": 1, "key": "x"})] {
        assert_eq!(client.post("/api/v1/reserve/batch", wrong).await.problem(), "validation");
    }
}

#[tokio::test]
async fn wrong_entry_of_a_batch_fails_alone() {
    let dir = tempfile::tempdir().unwrap();
    let vacancy = Process::vacancy(dir.path(), &[("INITIAL_STOCK", "1000")]).await;
    let client = vacancy.client();
    let (long, deep) = ("x".repeat(20_000), "[".repeat(500) + &"]".repeat(500));
    let wrong = [
        r#"{"qty": 1}"#.to_owned(),
        r#"{"qty": 1, "key": ""}"#.to_owned(),
        r#"[1, "x"]"#.to_owned(),
        "null".to_owned(),
        "7".to_owned(),
        r#"{"qty": -1, "key": "k"}"#.to_owned(),
        r#"{"qty": 1e999, "key": "k"}"#.to_owned(),
        r#"{"qty": 18446744073709551616, "key": "k"}"#.to_owned(),
        r#"{"qty": "1", "key": "k"}"#.to_owned(),
        r#"{"qty": 1, "key": "k", "customer": "a\u0000b"}"#.to_owned(),
        r#"{"qty": 1, "key": "k", "customer": "\ud800"}"#.to_owned(),
        r#"{"qty": 1, "key": "\udfff\ud800"}"#.to_owned(),
        r#"{"qty": 1, "key": "k", "event": "../x"}"#.to_owned(),
        r#"{"qty": 1, "qty": 2, "key": "k"}"#.to_owned(),
        format!(r#"{{"qty": 1, "key": "k", "customer": "{long}"}}"#),
        format!(r#"{{"qty": 1, "key": "{long}"}}"#),
        format!(r#"{{"qty": {deep}, "key": "k"}}"#),
    ];
    for (number, wrong) in wrong.iter().enumerate() {
        let good = |place: &str| format!(r#"{{"qty": 1, "key": "{place}-{number}"}}"#);
        let body = format!("[{},{wrong},{}]", good("before"), good("after"));
        let answer = reqwest::Client::new()
            .post(format!("{}/api/v1/reserve/batch", vacancy.base()))
            .header("content-type", "application/json")
            .body(body)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 200, "{wrong}");
        let slots: Value = answer.json().await.unwrap();
        assert_eq!((&slots[0]["success"], &slots[2]["success"]), (&json!(true), &json!(true)));
        assert_eq!((&slots[1]["code"], &slots[1]["status"]), (&json!("validation"), &json!(422)));
        assert!(slots[1].to_string().len() < 1_000, "{}", slots[1]);
    }
    assert_eq!(client.available().await, 1_000 - 2 * wrong.len() as u64);
}

#[tokio::test]
async fn compression_cors_and_request_ids_work() {
    let dir = tempfile::tempdir().unwrap();
    let monolith = Process::monolith(dir.path(), &[]).await;
    let client = monolith.client();
    let answer = client
        .call(Method::GET, "/openapi.json", &[("accept-encoding", "gzip")], None)
        .await
        .unwrap();
    assert_eq!(answer.header("content-encoding"), "gzip");
    let answer = client
        .call(
            Method::GET,
            "/api/v1/available",
            &[("accept-encoding", "gzip"), ("origin", "http://a.example")],
            None,
        )
        .await
        .unwrap();
    assert_eq!(
        (answer.header("content-encoding"), answer.header("access-control-allow-origin")),
        ("", "*")
    );
    let answer = client
        .call(Method::GET, "/api/v1/available", &[("x-request-id", "abc-1")], None)
        .await
        .unwrap();
    assert_eq!(answer.header("x-request-id"), "abc-1");
    assert_ne!(
        client.get("/").await.header("x-request-id"),
        client.get("/").await.header("x-request-id")
    );
    let _: Value = client.get("/api/v1/available").await.json();
}
