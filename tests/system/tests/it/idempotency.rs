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
    // The same key quoted and bare, the same body in another form.
    let again = client
        .keyed("/api/v1/purchase", "\"a\"", json!({"customer": null, "qty": 2.0}))
        .await
        .unwrap();
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

#[tokio::test]
async fn keys_belong_to_the_caller_and_the_call() {
    let dir = tempfile::tempdir().unwrap();
    let vacancy = Process::vacancy(dir.path(), &[]).await;
    let ticket = Process::ticket(vacancy.base(), &[]).await;
    let (buyer, client) = (ticket.client(), vacancy.client());
    let of = |customer: Option<&str>| json!({"qty": 1, "customer": customer});
    // The same key of several buyers: each gets tickets, and each retry its own.
    let mut ids = Vec::new();
    for customer in [Some("a"), Some("b"), None] {
        let first = buyer.keyed("/api/v1/purchase", "order-1", of(customer)).await.unwrap();
        assert_eq!(first.json()["success"], true, "{customer:?}");
        let again = buyer.keyed("/api/v1/purchase", "\"order-1\"", of(customer)).await.unwrap();
        assert_eq!(again.bytes, first.bytes, "{customer:?}");
        ids.push(first.json()["reservation_id"].as_str().unwrap().to_owned());
        // Another body in the same scope.
        let other = json!({"qty": 2, "customer": customer});
        let reused = buyer.keyed("/api/v1/purchase", "order-1", other).await.unwrap();
        assert_eq!((reused.status, reused.problem().as_str()), (422, "idempotency_key_reused"));
        // In a batch it is the same key of the same call.
        let batch = json!([{"qty": 1, "customer": customer, "key": "order-1"}]);
        let slots = client.post("/api/v1/reserve/batch", batch).await.json();
        assert_eq!(slots[0]["reservation_id"], *ids.last().unwrap());
    }
    assert!(ids[0] != ids[1] && ids[1] != ids[2] && ids[0] != ids[2], "{ids:?}");
    // Spellings of one customer are one caller.
    let spaced = buyer.keyed("/api/v1/purchase", "order-1", of(Some(" a "))).await.unwrap();
    assert_eq!(spaced.json()["reservation_id"], *ids[0]);
    // Another call, and other holds.
    let items = json!([{"stock": "general", "qty": 1}]);
    let hold = |customer: &str| json!({"event": "default", "items": items, "customer": customer});
    let mut holds = Vec::new();
    for customer in ["a", "b"] {
        let made = client.keyed("/api/v1/holds", "order-1", hold(customer)).await.unwrap();
        let again = client.keyed("/api/v1/holds", "order-1", hold(customer)).await.unwrap();
        assert_eq!((made.status, &made.bytes), (201, &again.bytes));
        holds.push(made.header("location").to_owned());
    }
    assert_ne!(holds[0], holds[1]);
    for hold in &holds {
        for (call, body) in
            [("extend", json!({"ttl_s": 700})), ("confirm", json!({"payment_ref": "p"}))]
        {
            let path = format!("{hold}/{call}");
            let done = client.keyed(&path, "order-1", body.clone()).await.unwrap();
            let again = client.keyed(&path, "order-1", body).await.unwrap();
            assert_eq!((done.status, &done.bytes), (200, &again.bytes), "{path}");
        }
    }
    // The text that the ledger has for a customer's key is no key of another caller's.
    let records = client.ledger("default").await;
    let text = records[1]["data"]["key"]["key"].as_str().unwrap().to_owned();
    assert!(text.ends_with("~order-1"), "{text}");
    let forged = client.keyed("/api/v1/reserve", &text, of(None)).await.unwrap();
    assert!(!ids.contains(&forged.json()["reservation_id"].as_str().unwrap().to_owned()));
    // All of it after a crash too.
    let before = client.ledger("default").await;
    vacancy.kill().await;
    let vacancy = Process::vacancy(dir.path(), &[]).await;
    for (customer, id) in [Some("a"), Some("b"), None].into_iter().zip(&ids) {
        let again = vacancy.client().keyed("/api/v1/reserve", "order-1", of(customer)).await;
        assert_eq!(again.unwrap().json()["reservation_id"], **id, "{customer:?}");
    }
    assert_eq!(vacancy.client().ledger("default").await, before);
}

#[tokio::test]
async fn refusals_are_not_stored_for_their_key() {
    let dir = tempfile::tempdir().unwrap();
    let monolith = Process::monolith(dir.path(), &[("INITIAL_STOCK", "1")]).await;
    let client = monolith.client();
    let buy =
        async |body: serde_json::Value| client.keyed("/api/v1/purchase", "k", body).await.unwrap();
    let put = async |body: serde_json::Value| {
        let answer = client.put_event("default", body).await;
        assert_eq!(answer.status, 200, "{answer:?}");
    };
    let order = || json!({"qty": 2, "customer": "c"});
    // Each refusal in turn with the same key, and then the sale.
    put(json!({"stocks": {"general": 1}, "opens_at": "2999-01-01T00:00:00Z"})).await;
    let early = buy(order()).await;
    assert_eq!((early.status, early.problem().as_str()), (425, "not_open_yet"));
    assert_eq!(early.header("retry-after"), "86400", "bounded");
    assert_eq!(early.json()["retry_after_s"], 86_400);
    put(json!({"stocks": {"general": 1}, "closes_at": "2020-01-01T00:00:00Z"})).await;
    assert_eq!(buy(order()).await.problem(), "sale_closed");
    put(json!({"stocks": {"general": 1}})).await;
    let sold_out = buy(order()).await;
    assert_eq!((sold_out.status, &sold_out.json()["success"]), (200, &json!(false)));
    put(json!({"stocks": {"general": 9}, "limit_per_customer": 1})).await;
    assert_eq!(buy(order()).await.problem(), "limit_exceeded");
    assert_eq!(buy(json!({"qty": 0, "customer": "c"})).await.problem(), "validation");
    put(json!({"stocks": {"general": 9}})).await;
    let sold = buy(order()).await;
    assert_eq!((sold.status, &sold.json()["success"]), (200, &json!(true)));
    // The answer of the sale is, also when the sale would be refused by now.
    put(json!({"stocks": {"general": 2}, "closes_at": "2020-01-01T00:00:00Z"})).await;
    assert_eq!(buy(order()).await.bytes, sold.bytes);
    assert_eq!(buy(json!({"qty": 1, "customer": "c"})).await.problem(), "idempotency_key_reused");
}

#[tokio::test]
async fn too_early_names_the_seconds_until_the_opening() {
    let dir = tempfile::tempdir().unwrap();
    let vacancy = Process::vacancy(dir.path(), &[]).await;
    let ticket = Process::ticket(vacancy.base(), &[]).await;
    let opens = time_in(90);
    let stocks = json!({"general": 9});
    let client = vacancy.client();
    client.put_event("default", json!({"stocks": stocks, "opens_at": opens})).await;
    let hold = json!({"event": "default", "items": [{"stock": "general", "qty": 1}]});
    let batch = json!([{"qty": 1, "key": "k"}]);
    for answer in [
        ticket.client().post("/api/v1/purchase", json!({"qty": 1})).await,
        client.post("/api/v1/reserve", json!({"qty": 1})).await,
        client.post("/api/v1/holds", hold).await,
    ] {
        assert_eq!((answer.status, answer.problem().as_str()), (425, "not_open_yet"));
        let seconds: u64 = answer.header("retry-after").parse().unwrap();
        assert!((1..=90).contains(&seconds), "{seconds}");
        assert_eq!(answer.json()["opens_at"], opens);
    }
    let slot = client.post("/api/v1/reserve/batch", batch).await.json()[0].clone();
    assert!(slot["retry_after_s"].as_u64().is_some_and(|seconds| (1..=90).contains(&seconds)));
}

/// The time in `seconds`, as the service writes it.
fn time_in(seconds: u64) -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    vacancy_api::rfc3339((now.as_secs() + seconds) * 1_000)
}
