//! What goes between ticket and vacancy: keys, deadlines, and refusals of what stands in between.

use reqwest::Method;
use serde_json::json;
use system_tests::Process;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// Something in vacancy's place.
struct Stub(TcpListener);

impl Stub {
    async fn listen() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").await.unwrap())
    }

    fn base(&self) -> String {
        format!("http://{}", self.0.local_addr().unwrap())
    }

    /// The next call's head, in lower case, and its connection.
    async fn call(&self) -> (String, TcpStream) {
        let accepted = tokio::time::timeout(std::time::Duration::from_secs(20), self.0.accept());
        let (mut stream, _) = accepted.await.expect("nobody calls").unwrap();
        let mut bytes = Vec::new();
        while !bytes.ends_with(b"}") && !bytes.ends_with(b"]") {
            assert!(stream.read_buf(&mut bytes).await.unwrap() > 0, "the call ends early");
        }
        let text = String::from_utf8(bytes).unwrap();
        (text.split("\r\n\r\n").next().unwrap().to_ascii_lowercase(), stream)
    }

    /// Gives every call this answer.
    async fn answer(&self, answer: &str) {
        loop {
            let (_, mut stream) = self.call().await;
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    }
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

#[tokio::test]
async fn a_call_says_how_long_it_waits_and_a_lost_answer_leaves_its_key_with_the_buyer() {
    let stub = Stub::listen().await;
    let ticket = Process::ticket(&stub.base(), &[("VACANCY_TIMEOUT", "0.5")]).await;
    let client = ticket.client();
    let (answer, (head, _stream)) =
        tokio::join!(client.post("/api/v1/purchase", json!({"qty": 1})), stub.call());
    assert_eq!((answer.status, answer.problem().as_str()), (503, "vacancy_unavailable"));
    let timeout_ms: u64 = header(&head, "x-request-timeout-ms").unwrap().parse().unwrap();
    assert!((300..=500).contains(&timeout_ms), "{head}");
    let key = answer.header("idempotency-key");
    assert!(
        key.starts_with("\"ticket-") && header(&head, "idempotency-key") == Some(key),
        "{key} is not in {head}"
    );

    let (answer, (head, _stream)) =
        tokio::join!(client.keyed("/api/v1/purchase", "mine", json!({"qty": 1})), stub.call());
    assert_eq!(header(&head, "idempotency-key"), Some("\"mine\""));
    assert!(!answer.unwrap().headers.contains_key("idempotency-key"), "the buyer knows it");
}

#[tokio::test]
async fn the_key_that_ticket_made_buys_once_in_the_hands_of_the_buyer_too() {
    let dir = tempfile::tempdir().unwrap();
    let vacancy = Process::vacancy(dir.path(), &[]).await;
    let ticket = Process::ticket(vacancy.base(), &[]).await;
    let client = ticket.client();
    let first = client.post("/api/v1/purchase", json!({"qty": 2})).await;
    assert_eq!(first.json()["success"], true);
    let again = client
        .keyed("/api/v1/purchase", first.header("idempotency-key"), json!({"qty": 2}))
        .await
        .unwrap();
    assert_eq!((again.status, again.bytes), (200, first.bytes));
    assert_eq!(vacancy.client().available().await, 998);
    let refused = client.post("/api/v1/purchase", json!({"qty": 999})).await;
    assert_eq!(refused.json()["success"], false);
    assert!(refused.header("idempotency-key").starts_with("\"ticket-"));
}

#[tokio::test]
async fn what_nobody_waits_for_any_more_is_not_done() {
    let dir = tempfile::tempdir().unwrap();
    let vacancy = Process::vacancy(dir.path(), &[]).await;
    let client = vacancy.client();
    let hold = json!({"event": "default", "items": [{"stock": "general", "qty": 2}]});
    let made = client.post("/api/v1/holds", hold.clone()).await.header("location").to_owned();
    let before = client.ledger("default").await;
    let calls = [
        (Method::POST, "/api/v1/reserve".to_owned(), Some(json!({"qty": 1}))),
        (Method::POST, "/api/v1/holds".to_owned(), Some(hold)),
        (Method::POST, format!("{made}/extend"), Some(json!({"ttl_s": 900}))),
        (Method::POST, format!("{made}/confirm"), None),
        (Method::DELETE, made, None),
    ];
    for (method, path, body) in calls {
        let late = client
            .call(method.clone(), &path, &[("x-request-timeout-ms", "0")], body.clone())
            .await
            .unwrap();
        assert_eq!((late.status, late.problem().as_str()), (503, "overloaded"), "{method} {path}");
        assert!(matches!(late.header("retry-after"), "1" | "2"), "{late:?}");
        let malformed = client
            .call(method.clone(), &path, &[("x-request-timeout-ms", "2s")], body)
            .await
            .unwrap();
        assert_eq!(
            (malformed.status, malformed.problem().as_str()),
            (400, "bad_request"),
            "{method} {path}"
        );
    }
    let batch = json!([{"qty": 1, "key": "a"}]);
    let late = client
        .call(Method::POST, "/api/v1/reserve/batch", &[("x-request-timeout-ms", "0")], Some(batch))
        .await
        .unwrap();
    assert_eq!((late.status, &late.json()[0]["code"]), (200, &json!("overloaded")));
    assert_eq!(client.ledger("default").await, before);
    // Longer than the service itself waits is as long as it waits.
    let patient = [("x-request-timeout-ms", "18446744073709551615")];
    assert_eq!(
        client
            .call(Method::POST, "/api/v1/reserve", &patient, Some(json!({"qty": 1})))
            .await
            .unwrap()
            .status,
        200
    );
}

#[tokio::test]
async fn a_caller_over_its_quota_is_told_so_and_when_to_come_again() {
    let problem = json!({
        "type": "urn:ticket-system:problem:rate_limited", "title": "T", "status": 429, "detail": "10.0.0.7 is over its quota",
        "error": "T", "code": "rate_limited", "retry_after_s": 7,
    });
    // vacancy says it in its problem, whatever stands before it in a header or not at all.
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
            () = stub.answer(&answer) => unreachable!("it answers without end"),
        };
        assert_eq!(
            (answer.status, answer.problem().as_str(), answer.header("retry-after")),
            (429, "rate_limited", retry_after)
        );
        assert!(
            !answer.json()["detail"].as_str().unwrap().contains("10.0.0.7"),
            "what vacancy says of ticket is not for the buyer"
        );
    }
}

#[tokio::test]
async fn buyers_who_come_together_go_to_vacancy_together_each_with_his_own_answer() {
    let dir = tempfile::tempdir().unwrap();
    let vacancy = Process::vacancy(dir.path(), &[("INITIAL_STOCK", "150")]).await;
    let ticket =
        Process::ticket(vacancy.base(), &[("VACANCY_CALLS", "1"), ("VACANCY_BATCH_MAX", "16")])
            .await;
    let client = ticket.client();
    let buys = (0..200).map(|number| {
        let client = client.clone();
        async move {
            client
                .keyed("/api/v1/purchase", &format!("buyer-{number}"), json!({"qty": 1}))
                .await
                .unwrap()
        }
    });
    let answers = futures::future::join_all(buys).await;
    assert!(answers.iter().all(|answer| answer.status == 200), "{answers:?}");
    let sold: Vec<_> = answers.iter().filter(|answer| answer.json()["success"] == true).collect();
    assert_eq!((sold.len(), vacancy.client().available().await), (150, 0));
    let ledger = vacancy.client().ledger("default").await;
    for (number, answer) in
        answers.iter().enumerate().filter(|(_, answer)| answer.json()["success"] == true)
    {
        let (seq, key) = (answer.header("event-seq"), format!("buyer-{number}"));
        let record = ledger.iter().find(|record| record["sequence"] == *seq).unwrap();
        assert!(
            record.to_string().contains(&key),
            "{key} was answered with {seq}, which is {record}"
        );
    }
    let calls = metric(&ticket, "vacancy_call_purchases_count").await;
    assert_eq!(metric(&ticket, "vacancy_call_purchases_sum").await, 200.0);
    assert!((200.0 / 16.0..150.0).contains(&calls), "{calls} calls for 200 buyers");
}

/// The value of a metric without labels, or with these.
async fn metric(process: &Process, name: &str) -> f64 {
    let text = String::from_utf8(process.client().get("/metrics").await.bytes).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("{name} is not in\n{text}")).parse().unwrap()
}

#[tokio::test]
async fn a_call_that_breaks_off_is_repeated_with_the_same_key() {
    let stub = Stub::listen().await;
    let ticket = Process::ticket(&stub.base(), &[]).await;
    let client = ticket.client();
    let calls = async {
        let (first, stream) = stub.call().await;
        drop(stream);
        let (second, mut stream) = stub.call().await;
        let body = json!({"success": true, "remaining": 4, "message": "m", "reservation_id": "r", "seq": 3}).to_string();
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
    let key = header(&first, "idempotency-key").unwrap();
    assert_eq!(header(&second, "idempotency-key"), Some(key));
    let left_ms =
        |head: &str| header(head, "x-request-timeout-ms").unwrap().parse::<u64>().unwrap();
    assert!(left_ms(&second) <= left_ms(&first), "what has passed is gone");
    assert_eq!(metric(&ticket, "vacancy_retries_total").await, 1.0);
}

#[tokio::test]
async fn a_vacancy_that_fails_again_and_again_is_left_alone_and_found_again() {
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
    assert!(refused.json()["detail"].as_str().unwrap().contains("circuit breaker open"), "{refused:?}");
    assert!(refused.header("retry-after").parse::<u32>().unwrap() >= 1);
    assert!(metric(&ticket, "vacancy_breaker_state").await > 0.0);
    assert!(metric(&ticket, "vacancy_breaker_opened_total").await >= 1.0);
    let ready = client.get("/ready").await;
    assert_ne!(ready.json()["breaker"], "closed");

    let _vacancy = Process::vacancy(dir.path(), &[("VACANCY_PORT", &port.to_string())]).await;
    let started = std::time::Instant::now();
    while client.post("/api/v1/purchase", json!({"qty": 1})).await.status != 200 {
        assert!(started.elapsed().as_secs() < 20, "it is not found again");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let ready = client.get("/ready").await;
    assert_eq!((ready.status, &ready.json()["breaker"]), (200, &json!("closed")));
    assert_eq!(metric(&ticket, "vacancy_breaker_state").await, 0.0);
}

#[tokio::test]
async fn a_trace_header_that_is_none_goes_no_further() {
    let dir = tempfile::tempdir().unwrap();
    let vacancy = Process::vacancy(dir.path(), &[]).await;
    let ticket = Process::ticket(vacancy.base(), &[("BREAKER_FAILURES", "2")]).await;
    let client = ticket.client();
    // The longest that ticket takes: with what ticket adds, they are more than vacancy takes.
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
        "nor does it shut the others out"
    );
    assert_eq!(metric(&ticket, "vacancy_breaker_opened_total").await, 0.0);
}

#[tokio::test]
async fn a_call_that_is_refused_as_a_whole_is_made_in_parts() {
    let dir = tempfile::tempdir().unwrap();
    let vacancy = Process::vacancy(dir.path(), &[("RESERVE_BATCH_MAX", "3")]).await;
    let ticket =
        Process::ticket(vacancy.base(), &[("VACANCY_CALLS", "1"), ("BREAKER_FAILURES", "2")]).await;
    let client = ticket.client();
    let answers = futures::future::join_all(
        (0..50).map(|_| client.post("/api/v1/purchase", json!({"qty": 1}))),
    )
    .await;
    let sold = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!((sold, vacancy.client().available().await), (50, 950));
    assert_eq!(metric(&ticket, "vacancy_breaker_opened_total").await, 0.0);
}

#[tokio::test]
async fn who_may_have_bought_is_not_told_that_nothing_was_sold() {
    let stub = Stub::listen().await;
    let ticket = Process::ticket(&stub.base(), &[("VACANCY_CALLS", "1")]).await;
    let client = ticket.client();
    let sold =
        json!({"success": true, "remaining": 4, "message": "m", "reservation_id": "r", "seq": 3})
            .to_string();
    let overloaded = json!({
        "type": "urn:ticket-system:problem:overloaded", "title": "T", "status": 503, "detail": "d", "error": "T",
        "code": "overloaded", "retry_after_s": 1,
    });
    let calls = async {
        let (_, mut first) = stub.call().await;
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        first
            .write_all(
                format!(
                    "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{sold}",
                    sold.len()
                )
                .as_bytes(),
            )
            .await
            .unwrap();
        let (head, lost) = stub.call().await;
        assert!(head.starts_with("post /api/v1/reserve/batch"), "{head}");
        drop(lost);
        let (_, mut again) = stub.call().await;
        // Something answers for one of them that makes no sense; that is his trouble alone.
        let body =
            json!([overloaded, {"hm": 1}, {"success": true, "remaining": 4, "message": "m", "reservation_id": "r", "seq": 4}]).to_string();
        again
            .write_all(
                format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len())
                    .as_bytes(),
            )
            .await
            .unwrap();
        again
    };
    let buy = |key: &'static str, after_ms| {
        let client = client.clone();
        async move {
            tokio::time::sleep(std::time::Duration::from_millis(after_ms)).await;
            client.keyed("/api/v1/purchase", key, json!({"qty": 1})).await.unwrap()
        }
    };
    let (_, first, second, third, fourth) =
        tokio::join!(calls, buy("a", 0), buy("b", 150), buy("c", 200), buy("d", 250));
    assert_eq!((first.status, fourth.status), (200, 200), "{fourth:?}");
    for unknown in [second, third] {
        assert_eq!(
            (unknown.status, unknown.problem().as_str()),
            (503, "vacancy_unavailable"),
            "{unknown:?}"
        );
        assert!(
            unknown.json()["detail"].as_str().unwrap().contains("did not respond"),
            "{unknown:?}"
        );
    }
}

#[tokio::test]
async fn a_vacancy_that_is_too_slow_for_all_sells_to_as_many_as_it_can() {
    let stub = Stub::listen().await;
    let ticket = Process::ticket(
        &stub.base(),
        &[("VACANCY_CALLS", "1"), ("VACANCY_BATCH_MAX", "1"), ("VACANCY_TIMEOUT", "2")],
    )
    .await;
    let client = ticket.client();
    let slow = async {
        let sold = json!({"success": true, "remaining": 4, "message": "m", "reservation_id": "r", "seq": 3}).to_string();
        let answer = format!(
            "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{sold}",
            sold.len()
        );
        loop {
            let (_, mut stream) = stub.call().await;
            tokio::time::sleep(std::time::Duration::from_millis(300)).await;
            // The caller may have given up.
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    };
    // Six times as many as it can serve, for five seconds.
    let buys = (0..100).map(|number| {
        let client = client.clone();
        async move {
            tokio::time::sleep(std::time::Duration::from_millis(50 * number)).await;
            client.post("/api/v1/purchase", json!({"qty": 1})).await
        }
    });
    let answers = tokio::select! {
        answers = futures::future::join_all(buys) => answers,
        () = slow => unreachable!("it answers without end"),
    };
    let sold = answers.iter().filter(|answer| answer.status == 200).count();
    let refused = answers
        .iter()
        .filter(|answer| answer.status == 503 && answer.problem() == "overloaded")
        .count();
    assert!(sold >= 10 && sold + refused >= 98, "{sold} sold, {refused} refused of 100");
    assert_eq!(metric(&ticket, "vacancy_breaker_opened_total").await, 0.0);
}

#[tokio::test]
async fn a_connection_that_leads_to_somebody_else_is_left_behind() {
    let stub = Stub::listen().await;
    let ticket = Process::ticket(&stub.base(), &[]).await;
    let client = ticket.client();
    let sold = json!({"success": true, "remaining": 3, "message": "Reserved 1 tickets", "reservation_id": "r", "seq": 5}).to_string();
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
        // Each connection is kept open by its server: only ticket can leave it.
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
                // This one is vacancy's, and stays in use.
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
