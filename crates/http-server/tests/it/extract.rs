//! Extractors and their problems.

use crate::support::Setup;

#[tokio::test]
async fn json_bodies() {
    let server = Setup::default().start().await;
    assert_eq!(server.post_json("/order", "{\"qty\": 3}").await.text(), "3 ");
    assert_eq!(
        server
            .post("/order", "content-type: application/json; charset=utf-8\r\n", "{\"qty\": 3}")
            .await
            .status,
        200
    );
    for content_type in ["", "content-type: text/plain\r\n"] {
        server
            .post("/order", content_type, "{\"qty\": 3}")
            .await
            .assert_problem(415, "unsupported_media_type");
    }
    for malformed in ["", "{", "{\"qty\": 3}}", "{\"qty\": 03}", "{'qty': 3}", "\u{feff}{}"] {
        server.post_json("/order", malformed).await.assert_problem(400, "malformed_json");
    }
    for (body, named) in [
        ("{}", "qty"),
        ("{\"qty\": \"3\"}", "qty: "),
        ("{\"qty\": -1}", "qty: "),
        ("{\"qty\": 1.5}", "qty: "),
        ("[]", ""),
        (" [3]", "an array"),
    ] {
        let problem = server.post_json("/order", body).await.assert_problem(422, "validation");
        assert!(
            problem["detail"].as_str().is_some_and(|detail| detail.contains(named)),
            "{body}: {problem}"
        );
    }
    let problem =
        server.post_json("/order", &format!("{{\"qty\": \"{}\"}}", "ä".repeat(5_000))).await;
    let detail = problem.assert_problem(422, "validation")["detail"].as_str().map(str::len);
    assert!(detail.is_some_and(|bytes| bytes < 400), "the input is not echoed at length");
}

#[tokio::test]
async fn optional_json_bodies() {
    let server = Setup::default().start().await;
    assert_eq!(server.post("/note", "", "").await.text(), "none");
    assert_eq!(server.post_json("/note", "{\"text\": \"a\"}").await.text(), "a");
    server.post("/note", "", "{}").await.assert_problem(415, "unsupported_media_type");
    server.post_json("/note", "{\"text\": 1}").await.assert_problem(422, "validation");
    server.post_json("/note", "[\"a\"]").await.assert_problem(422, "validation");
}

#[tokio::test]
async fn bodies_in_pieces() {
    let server = Setup::default().start().await;
    let mut conn = server.connect().await;
    conn.send("POST /order HTTP/1.1\r\nhost: t\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n").await;
    for piece in ["{\"q", "ty\"", ":", " 7}"] {
        conn.send(&format!("{:x}\r\n{piece}\r\n", piece.len())).await;
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    conn.send("0\r\n\r\n").await;
    assert_eq!(conn.answer().await.text(), "7 ");
}

#[tokio::test]
async fn parameters_and_keys() {
    let server = Setup::default().start().await;
    assert_eq!(server.get("/items/7").await.text(), "7");
    server.get("/items/seven").await.assert_problem(404, "not_found");
    server.get("/slow").await.assert_problem(422, "validation");
    server.get("/slow?ms=x").await.assert_problem(422, "validation");
    let json = "content-type: application/json\r\n";
    let answer =
        server.post("/order", &format!("{json}idempotency-key: \"k-1\"\r\n"), "{\"qty\": 3}").await;
    assert_eq!(answer.text(), "3 k-1");
    server
        .post("/order", &format!("{json}idempotency-key: \"k-1\r\n"), "{\"qty\": 3}")
        .await
        .assert_problem(400, "bad_request");
}

#[tokio::test]
async fn quotes_in_errors_are_cut_off() {
    let server = Setup::default().start().await;
    for body in [
        format!("{{\"qty\": \"{}\"}}", "x".repeat(5_000)),
        format!("{{\"qty\": \"{}", "\u{20ac}".repeat(2_000)),
        "[".repeat(5_000),
    ] {
        let answer = server.post_json("/order", &body).await;
        assert!(matches!(answer.status, 400 | 422), "{answer:?}");
        assert!(answer.text().len() < 800, "{}", answer.text());
    }
}
