//! Deadlines and idempotency keys of a call.

use reqwest::Method;
use serde_json::json;
use system_tests::Process;

use super::stub::{Stub, entries, header};

#[tokio::test]
async fn call_states_its_deadline_and_lost_answer_returns_the_key() {
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
        key.starts_with("\"ticket-") && json!(key.trim_matches('"')) == entries(&head)[0]["key"],
        "{key} is not in {head}"
    );

    let (answer, (head, _stream)) =
        tokio::join!(client.keyed("/api/v1/purchase", "mine", json!({"qty": 1})), stub.call());
    assert_eq!(entries(&head)[0]["key"], "mine");
    assert!(!answer.unwrap().headers.contains_key("idempotency-key"), "the buyer chose the key");
}

#[tokio::test]
async fn generated_key_buys_once_when_reused_by_the_buyer() {
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
async fn expired_request_is_not_executed() {
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
    // A longer deadline than the service's own is cut to that one.
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
