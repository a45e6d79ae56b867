//! Failed calls: refusals, retries, the circuit breaker, foreign servers.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use system_tests::Process;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::stub::{Stub, answers, entries, header, metric};

#[tokio::test]
async fn caller_over_quota_gets_429_with_retry_after() {
    let problem = json!({
        "type": "urn:ticket-system:problem:rate_limited", "title": "T", "status": 429, "detail": "10.0.0.7 is over its quota",
        "error": "T", "code": "rate_limited", "retry_after_s": 7,
    });
    // The problem of vacancy wins, then a header of a proxy, then a default.
    for (headers, body, retry_after) in [
        ("", problem.to_string(), "7"),
        ("retry-after: 9\r\n", "{}".into(), "9"),
        ("", String::new(), "1"),
    ] {
        let stub = Stub::listen().await;
        let ticket = Process::ticket(&stub.base(), &[]).await;
        let length = body.len();
        let answer = format!(
            "HTTP/1.1 429 x\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n{body}"
        );
        let client = ticket.client();
        let answer = tokio::select! {
            answer = client.post("/api/v1/purchase", json!({"qty": 1})) => answer,
            () = stub.answer(&answer) => unreachable!("the stub never ends"),
        };
        assert_eq!(
            (answer.status, answer.problem().as_str(), answer.header("retry-after")),
            (429, "rate_limited", retry_after)
        );
        assert!(
            !answer.json()["detail"].as_str().unwrap().contains("10.0.0.7"),
            "the detail about ticket is not for the buyer"
        );
    }
}

#[tokio::test]
async fn broken_call_is_retried_with_the_same_key() {
    let stub = Stub::listen().await;
    let ticket = Process::ticket(&stub.base(), &[]).await;
    let client = ticket.client();
    let calls = async {
        let (first, stream) = stub.call().await;
        drop(stream);
        let (second, mut stream) = stub.call().await;
        let sold = json!({"success": true, "remaining": 4, "message": "m", "reservation_id": "r", "seq": 3});
        let body = answers(&[sold]);
        stream
            .write_all(
                format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len())
                    .as_bytes(),
            )
            .await
            .unwrap();
        (first, second, stream)
    };
    let (answer, (first, second, _stream)) =
        tokio::join!(client.post("/api/v1/purchase", json!({"qty": 1})), calls);
    assert_eq!((answer.status, &answer.json()["remaining"]), (200, &json!(4)), "{answer:?}");
    let key = entries(&first)[0]["key"].clone();
    assert!(key.is_string(), "{first}");
    assert_eq!(entries(&second)[0]["key"], key);
    let left_ms =
        |head: &str| header(head, "x-request-timeout-ms").unwrap().parse::<u64>().unwrap();
    assert!(left_ms(&second) <= left_ms(&first), "the deadline shrinks");
    assert_eq!(metric(&ticket, "vacancy_retries_total").await, 1.0);
}

#[tokio::test]
async fn breaker_opens_on_failures_and_closes_again() {
    let (dir, port) = (tempfile::tempdir().unwrap(), system_tests::free_port());
    let env = [("BREAKER_FAILURES", "2"), ("BREAKER_OPEN_S", "1"), ("VACANCY_RETRIES", "0")];
    let ticket = Process::ticket(&format!("http://127.0.0.1:{port}"), &env).await;
    let client = ticket.client();
    assert_eq!(client.get("/ready").await.json()["breaker"], "closed");
    for _ in 0..2 {
        let refused = client.post("/api/v1/purchase", json!({"qty": 1})).await;
        assert!(
            refused.json()["detail"].as_str().unwrap().contains("cannot be reached"),
            "{refused:?}"
        );
    }
    let refused = client.post("/api/v1/purchase", json!({"qty": 1})).await;
    assert_eq!((refused.status, refused.problem().as_str()), (503, "vacancy_unavailable"));
    assert!(
        refused.json()["detail"].as_str().unwrap().contains("circuit breaker open"),
        "{refused:?}"
    );
    assert!(refused.header("retry-after").parse::<u32>().unwrap() >= 1);
    assert!(metric(&ticket, "vacancy_breaker_state").await > 0.0);
    assert!(metric(&ticket, "vacancy_breaker_opened_total").await >= 1.0);
    let ready = client.get("/ready").await;
    assert_ne!(ready.json()["breaker"], "closed");

    let _vacancy = Process::vacancy(dir.path(), &[("VACANCY_PORT", &port.to_string())]).await;
    let started = std::time::Instant::now();
    while client.post("/api/v1/purchase", json!({"qty": 1})).await.status != 200 {
        assert!(started.elapsed().as_secs() < 20, "no sale within 20 s");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let ready = client.get("/ready").await;
    assert_eq!((ready.status, &ready.json()["breaker"]), (200, &json!("closed")));
    assert_eq!(metric(&ticket, "vacancy_breaker_state").await, 0.0);
}

#[tokio::test]
async fn invalid_trace_header_is_not_forwarded() {
    let dir = tempfile::tempdir().unwrap();
    let vacancy = Process::vacancy(dir.path(), &[]).await;
    let ticket = Process::ticket(vacancy.base(), &[("BREAKER_FAILURES", "2")]).await;
    let client = ticket.client();
    // The longest headers ticket accepts: with its own they are longer than vacancy accepts.
    for len in (16_000..16_384).step_by(20) {
        let trace = "0".repeat(len);
        let headers = [("traceparent", trace.as_str())];
        let answer = client
            .call(Method::POST, "/api/v1/purchase", &headers, Some(json!({"qty": 1})))
            .await
            .unwrap();
        assert!([200, 431].contains(&answer.status), "{len}: {}", answer.status);
    }
    assert_eq!(
        client.post("/api/v1/purchase", json!({"qty": 1})).await.status,
        200,
        "other calls still work"
    );
    assert_eq!(metric(&ticket, "vacancy_breaker_opened_total").await, 0.0);
}

#[tokio::test]
async fn connection_to_a_replaced_host_is_dropped() {
    let stub = Stub::listen().await;
    let ticket = Process::ticket(&stub.base(), &[]).await;
    let client = ticket.client();
    let sold = json!({"success": true, "remaining": 3, "message": "Reserved 1 tickets", "reservation_id": "r", "seq": 5});
    let sold = answers(&[sold]);
    let answer = |status: &str, body: &str| {
        let length = body.len();
        format!(
            "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        )
    };
    let other = "<html>Welcome</html>";
    for (first, second) in [
        (answer("200 OK", other), answer("404 Not Found", other)),
        (answer("200 OK", "{}"), answer("500 Oh", "")),
    ] {
        // The server keeps each connection open: only ticket can drop it.
        let mut kept = Vec::new();
        for foreign in [&first, &second] {
            let (bought, ()) =
                tokio::join!(client.post("/api/v1/purchase", json!({"qty": 1})), async {
                    let (_, mut stream) = stub.call().await;
                    stream.write_all(foreign.as_bytes()).await.unwrap();
                    kept.push(stream);
                });
            assert_eq!((bought.status, bought.problem().as_str()), (503, "vacancy_unavailable"));
        }
        let (bought, ()) =
            tokio::join!(client.post("/api/v1/purchase", json!({"qty": 1})), async {
                let (_, mut stream) = stub.call().await;
                stream.write_all(answer("200 OK", &sold).as_bytes()).await.unwrap();
                // This connection leads to vacancy, and stays in use.
                let mut next = [0; 5];
                let again = client.post("/api/v1/purchase", json!({"qty": 1}));
                let (again, ()) = tokio::join!(again, async {
                    stream.read_exact(&mut next).await.unwrap();
                    stream.write_all(answer("200 OK", &sold).as_bytes()).await.unwrap();
                });
                assert_eq!((again.status, &next), (200, b"POST "));
            });
        assert_eq!(bought.status, 200);
        drop(kept);
    }
}
