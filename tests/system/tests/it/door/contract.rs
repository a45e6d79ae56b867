//! Every answer of the door is the answer of the monolith.

use reqwest::Method;
use serde_json::{Value, json};
use system_tests::{Client, Process};

use super::{
    Pair, items,
    story::{Step, get, post, step, tell},
    until,
};

/// Every public call, with every answer that it can have in one process.
fn story() -> Vec<Step> {
    let hold = |event: &str, items: Value| json!({"event": event, "items": items});
    let eur = |amount_minor: u64| json!({"amount_minor": amount_minor, "currency": "EUR"});
    let confirm = "/api/v1/holds/{paid}/confirm";
    vec![
        get("/api/v1/available"),
        get("/api/v1/events"),
        get("/api/v1/events?limit=1"),
        get("/api/v1/events?limit=0"),
        get("/api/v1/events?after=default"),
        get("/api/v1/events/default"),
        get("/api/v1/events/unheard-of"),
        get("/api/v1/events/Not%20A%20Name"),
        get("/api/v1/events/default").with("if-none-match", "*"),
        get("/api/v1/events/default").with("if-match", "\"other\""),
        get("/api/v1/events/default").with("event-seq", "1"),
        get("/api/v1/events/default").with("event-seq", "99"),
        get("/api/v1/events/default").with("event-seq", "one"),
        get("/api/v1/available").with("event-seq", "99"),
        post("/api/v1/purchase", json!({"qty": 2})).with("idempotency-key", "buy"),
        post("/api/v1/purchase", json!({"qty": 2})).with("idempotency-key", "buy"),
        post("/api/v1/purchase", json!({"qty": 3})).with("idempotency-key", "buy"),
        post("/api/v1/purchase", json!({"qty": 0})),
        post("/api/v1/purchase", json!({"qty": 10, "customer": "c"})).with("idempotency-key", "x"),
        post("/api/v1/holds", hold("default", items(3))).with("idempotency-key", "h").named("one"),
        post("/api/v1/holds", hold("default", items(3))).with("idempotency-key", "h"),
        post("/api/v1/holds", hold("default", items(4))).with("idempotency-key", "h"),
        post("/api/v1/holds", hold("default", items(50))).with("idempotency-key", "much"),
        post("/api/v1/holds", hold("default", items(0))),
        post("/api/v1/holds", hold("default", json!([]))),
        post("/api/v1/holds", hold("unheard-of", items(1))).with("idempotency-key", "no-event"),
        post("/api/v1/holds", hold("default", json!([{"stock": "vip", "qty": 1}])))
            .with("idempotency-key", "no-stock"),
        post("/api/v1/holds", json!({"event": "default", "items": items(1), "ttl_s": 0})),
        post("/api/v1/holds", json!({"event": "default", "items": items(1), "color": "red"})),
        post("/api/v1/holds", hold("later", items(1))).with("idempotency-key", "early"),
        post("/api/v1/holds", hold("past", items(1))).with("idempotency-key", "late"),
        post("/api/v1/holds", hold("limited", items(1))).with("idempotency-key", "anonymous"),
        post("/api/v1/holds", json!({"event": "limited", "items": items(3), "customer": "c"}))
            .with("idempotency-key", "three"),
        get("/api/v1/holds/{one}"),
        get("/api/v1/holds/{one}").with("if-none-match", "*"),
        get("/api/v1/holds/00000000-0000-0000-0000-000000000000"),
        get("/api/v1/holds/no-id"),
        post("/api/v1/holds/{one}/extend", json!({"ttl_s": 300})).with("idempotency-key", "e"),
        post("/api/v1/holds/{one}/extend", json!({"ttl_s": 0})),
        post("/api/v1/holds/00000000-0000-0000-0000-000000000000/extend", json!({"ttl_s": 9}))
            .with("idempotency-key", "e0"),
        step(Method::DELETE, "/api/v1/holds/{one}", Value::Null).with("if-match", "\"other\""),
        step(Method::DELETE, "/api/v1/holds/{one}", Value::Null),
        step(Method::DELETE, "/api/v1/holds/{one}", Value::Null),
        post("/api/v1/holds/{one}/confirm", json!({})).with("idempotency-key", "gone"),
        post("/api/v1/holds/{one}/extend", json!({"ttl_s": 9})).with("idempotency-key", "gone2"),
        post("/api/v1/holds", hold("shop", items(2))).with("idempotency-key", "s").named("paid"),
        post("/api/v1/holds/{paid}/payment", json!({"ref": "pi", "state": "started"})),
        post("/api/v1/holds/{paid}/payment", json!({"ref": "pi", "state": "started"}))
            .seller()
            .with("idempotency-key", "pay"),
        post("/api/v1/holds/{paid}/payment", json!({"ref": "other", "state": "started"}))
            .seller()
            .with("idempotency-key", "pay2"),
        post(confirm, json!({"payment_ref": "pi"})),
        post(confirm, json!({"payment_ref": "pi"})).with("authorization", "Bearer somebody-else"),
        post(confirm, json!({"payment_ref": "pi", "amount": eur(1)}))
            .seller()
            .with("idempotency-key", "c1"),
        post(confirm, json!({"payment_ref": "pi", "amount": eur(9_000)}))
            .seller()
            .with("idempotency-key", "c2"),
        post(confirm, json!({"payment_ref": "pi", "amount": eur(9_000)}))
            .seller()
            .with("idempotency-key", "c2"),
        post(confirm, json!({"payment_ref": "second"})).seller().with("idempotency-key", "c3"),
        get("/api/v1/holds/{paid}"),
        step(Method::DELETE, "/api/v1/holds/{paid}", Value::Null),
        post("/api/v1/admin/reservations/{paid}/refunds", json!({"items": items(1)})),
        post("/api/v1/admin/reservations/{paid}/refunds", json!({"items": items(1)}))
            .seller()
            .with("idempotency-key", "r"),
        post("/api/v1/admin/reservations/{paid}/refunds", json!({}))
            .seller()
            .with("idempotency-key", "r2"),
        post("/api/v1/admin/reservations/{paid}/refunds", json!({}))
            .seller()
            .with("idempotency-key", "r3"),
        post("/api/v1/holds", hold("shop", items(2))).with("idempotency-key", "s2").named("open"),
        post("/api/v1/admin/reservations/{open}/refunds", json!({}))
            .seller()
            .with("idempotency-key", "r4"),
        get("/api/v1/admin/reservations?payment_ref=pi"),
        get("/api/v1/admin/reservations?payment_ref=pi").seller(),
        get("/api/v1/admin/reservations?payment_ref=pi&event=default").seller(),
        get("/api/v1/admin/reservations?customer=c&limit=1").seller(),
        get("/api/v1/admin/reservations").seller(),
        get("/api/v1/admin/reservations?payment_ref=pi&cursor=x").seller(),
        get("/api/v1/events/shop"),
        get("/api/v1/events/default"),
        get("/api/v1/available"),
    ]
}

/// The events of the story.
async fn prepare(client: &Client) {
    let shop = json!({
        "stocks": {"general": {"capacity": 10, "price": {"amount_minor": 4_500, "currency": "EUR"}}},
        "sell_by": "seller",
    });
    let later = json!({"stocks": {"general": 9}, "opens_at": "2099-01-01T00:00:00Z"});
    let past = json!({"stocks": {"general": 9}, "closes_at": "2020-01-01T00:00:00Z"});
    let limited = json!({"stocks": {"general": 9}, "limit_per_customer": 2});
    for (event, settings) in
        [("shop", shop), ("later", later), ("past", past), ("limited", limited)]
    {
        assert_eq!(client.put_event(event, settings).await.status, 201);
    }
}

#[tokio::test]
async fn the_door_answers_like_the_monolith() {
    let dir = tempfile::tempdir().unwrap();
    let env = [("INITIAL_STOCK", "20")];
    let monolith = Process::monolith(dir.path(), &env).await;
    let pair = Pair::start(&env).await;
    prepare(&monolith.client()).await;
    prepare(&pair.inside()).await;
    let door = pair.door();
    until("the door knows all events", async || {
        door.get("/api/v1/events").await.json()["events"].as_array().unwrap().len() == 5
    })
    .await;
    let expected = tell(&monolith.client(), story()).await;
    let statuses: std::collections::BTreeSet<_> =
        expected.iter().map(|(_, (status, ..))| *status).collect();
    let met = [200, 201, 204, 304, 400, 401, 403, 404, 409, 410, 412, 422, 425];
    assert!(met.iter().all(|status| statuses.contains(status)), "{statuses:?}");
    for ((what, expected), (_, answer)) in expected.into_iter().zip(tell(&door, story()).await) {
        assert_eq!(answer, expected, "{what}");
    }
}

#[tokio::test]
async fn public_documents_of_both_modes_say_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let monolith = Process::monolith(dir.path(), &[]).await;
    let pair = Pair::start(&[]).await;
    let whole = monolith.client().get("/openapi.json").await.json();
    let public = pair.door().get("/openapi.json").await.json();
    let paths = public["paths"].as_object().unwrap();
    for needed in [
        "available",
        "events",
        "events/{event}/stream",
        "events/{event}/queue",
        "holds",
        "purchase",
    ] {
        assert!(paths.contains_key(&format!("/api/v1/{needed}")), "{needed}");
    }
    for (path, item) in paths {
        let (mut item, mut expected) = (item.clone(), whole["paths"][path].clone());
        for side in [&mut item, &mut expected] {
            for operation in side.as_object_mut().unwrap().values_mut() {
                let responses = operation["responses"].as_object_mut().unwrap();
                // Links lead to the calls that a document has.
                responses.values_mut().for_each(|response| {
                    response.as_object_mut().unwrap().remove("links");
                });
            }
        }
        assert_eq!(item, expected, "{path}");
    }
    let inside = ["/api/v1/reserve", "/api/v1/reserve/batch", "/api/v1/internal/batch"];
    for path in inside {
        assert!(whole["paths"][path].is_object(), "{path}");
        assert!(!paths.contains_key(path), "{path} is not public");
        let called = pair.door().post(path, json!([])).await;
        assert_eq!(called.status, 404, "{path}");
    }
}
