//! One key, one effect, one answer.

use futures::future::join_all;
use serde_json::json;
use system_tests::Process;

#[tokio::test(flavor = "multi_thread")]
async fn thousand_concurrent_retries_buy_once() {
    let dir = tempfile::tempdir().unwrap();
    let vacancy = Process::vacancy(dir.path(), &[]).await;
    let ticket =
        Process::ticket(vacancy.base(), &[("VACANCY_TIMEOUT", "20"), ("REQUEST_TIMEOUT_S", "30")])
            .await;
    let client = ticket.client();
    let answers = join_all(
        (0..1_000).map(|_| client.keyed("/api/v1/purchase", "\"once\"", json!({"qty": 3}))),
    )
    .await;
    let answers: Vec<_> = answers.into_iter().map(Result::unwrap).collect();
    assert!(answers.iter().all(|answer| answer.status == 200 && answer.bytes == answers[0].bytes));
    assert_eq!(answers[0].json()["success"], true);
    assert_eq!(vacancy.client().available().await, 997);
    assert_eq!(vacancy.client().ledger("default").await.len(), 2);
}

#[tokio::test]
async fn repeated_key_gets_identical_bytes_after_a_crash() {
    let dir = tempfile::tempdir().unwrap();
    let monolith = Process::monolith(dir.path(), &[]).await;
    let client = monolith.client();
    let hold = json!({"event": "default", "items": [{"stock": "general", "qty": 2}], "ttl_s": 600});
    let made = client.keyed("/api/v1/holds", "hold", hold.clone()).await.unwrap();
    let id = made.json()["id"].as_str().unwrap().to_owned();
    let admin = |path: String, key: &'static str, body| (path, key, body);
    let calls = vec![
        admin("/api/v1/holds".into(), "hold", hold),
        admin("/api/v1/reserve".into(), "reserve", json!({"qty": 3})),
        admin("/api/v1/purchase".into(), "purchase", json!({"qty": 4})),
        admin(format!("/api/v1/holds/{id}/extend"), "extend", json!({"ttl_s": 900})),
        admin(format!("/api/v1/holds/{id}/confirm"), "confirm", json!({"payment_ref": "p"})),
        admin(format!("/api/v1/admin/reservations/{id}/refunds"), "refund", json!({})),
    ];
    let token = format!("Bearer {}", system_tests::ADMIN_TOKEN);
    let send = async |client: &system_tests::Client,
                      (path, key, body): &(String, &str, serde_json::Value)| {
        let headers = [("idempotency-key", *key), ("authorization", token.as_str())];
        client.call(reqwest::Method::POST, path, &headers, Some(body.clone())).await.unwrap()
    };
    let mut first = Vec::new();
    for call in &calls {
        first.push(send(&client, call).await);
    }
    assert!(first.iter().all(|answer| answer.status == 200 || answer.status == 201));
    assert_eq!(first[0].bytes, made.bytes);
    // Other sales happen meanwhile, so a recomputed answer would differ.
    client.post("/api/v1/reserve", json!({"qty": 100})).await;
    let records = client.ledger("default").await;
    monolith.kill().await;
    let monolith = Process::monolith(dir.path(), &[]).await;
    let client = monolith.client();
    for (call, first) in calls.iter().zip(&first) {
        let again = send(&client, call).await;
        assert_eq!(
            (again.status, &again.bytes, again.header("event-seq")),
            (first.status, &first.bytes, first.header("event-seq")),
            "{}",
            call.0
        );
        assert_eq!(again.header("location"), first.header("location"));
    }
    assert_eq!(client.ledger("default").await, records);
}

#[tokio::test]
async fn key_binds_one_request_and_refusals_keep_it_free() {
    let dir = tempfile::tempdir().unwrap();
    let vacancy = Process::vacancy(dir.path(), &[("INITIAL_STOCK", "5")]).await;
    let ticket = Process::ticket(vacancy.base(), &[]).await;
    let client = ticket.client();
    assert_eq!(
        client.keyed("/api/v1/purchase", "a", json!({"qty": 2})).await.unwrap().json()["success"],
        true
    );
    let other = client.keyed("/api/v1/purchase", "a", json!({"qty": 3})).await.unwrap();
    assert_eq!((other.status, other.problem().as_str()), (422, "idempotency_key_reused"));
    let hold = json!({"event": "default", "items": [{"stock": "general", "qty": 2}]});
    assert_eq!(
        vacancy.client().keyed("/api/v1/holds", "a", hold).await.unwrap().problem(),
        "idempotency_key_reused"
    );
    // The same key quoted and bare, the same body in another form.
    let again =
        client.keyed("/api/v1/purchase", "\"a\"", json!({"color": 1, "qty": 2})).await.unwrap();
    assert_eq!((again.status, &again.json()["remaining"]), (200, &json!(3)));

    let sold_out = client.keyed("/api/v1/purchase", "b", json!({"qty": 4})).await.unwrap();
    assert_eq!(sold_out.json()["success"], false);
    let id = again.json()["reservation_id"].as_str().unwrap().to_owned();
    vacancy
        .client()
        .admin(
            reqwest::Method::POST,
            &format!("/api/v1/admin/reservations/{id}/refunds"),
            &[],
            None,
        )
        .await;
    let retried = client.keyed("/api/v1/purchase", "b", json!({"qty": 4})).await.unwrap();
    assert_eq!(retried.json()["success"], true, "released stock can still be won");
    for key in ["", "\"", "\"a\"b", "ä", &"x".repeat(256)] {
        let answer = client
            .call(reqwest::Method::POST, "/api/v1/purchase", &[], Some(json!({"qty": 1})))
            .await;
        assert_eq!(answer.unwrap().status, 200);
        let answer = client.keyed("/api/v1/purchase", key, json!({"qty": 1})).await.unwrap();
        assert_eq!(answer.status, 400, "{key:?}");
        assert_eq!(
            vacancy.client().keyed("/api/v1/reserve", key, json!({"qty": 1})).await.unwrap().status,
            400,
            "{key:?}"
        );
    }
}
