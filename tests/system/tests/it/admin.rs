//! Admin calls: authorization, and the values they set.

use reqwest::Method;
use serde_json::json;
use system_tests::{Client, Process};

#[tokio::test]
async fn wrong_token_reveals_and_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let vacancy = Process::vacancy(dir.path(), &[]).await;
    let client = vacancy.client();
    let id = "01900000-0000-7000-8000-000000000000";
    let refunds = format!("/api/v1/admin/reservations/{id}/refunds");
    let calls = [
        (Method::PUT, "/api/v1/admin/events/gig", Some(json!({"stocks": {"general": 1}}))),
        (Method::PUT, "/api/v1/admin/events/gig", Some(json!({"nonsense": 1}))),
        (Method::GET, "/api/v1/admin/events/default/sales", None),
        (Method::GET, "/api/v1/admin/events/default/sales?limit=x", None),
        (Method::POST, refunds.as_str(), None),
    ];
    for (method, path, body) in calls {
        let missing = client.call(method.clone(), path, &[], body.clone()).await.unwrap();
        assert_eq!(
            (missing.status, missing.problem().as_str(), missing.header("www-authenticate")),
            (401, "unauthorized", "Bearer")
        );
        for token in
            ["Bearer wrong", "Bearer an-admin-token-for-test", "Bearer an-admin-token-for-testsx"]
        {
            let wrong = client
                .call(method.clone(), path, &[("authorization", token)], body.clone())
                .await
                .unwrap();
            assert_eq!((wrong.status, wrong.problem().as_str()), (403, "forbidden"), "{path}");
        }
    }
    assert_eq!(client.get("/api/v1/events/gig").await.status, 404);
}

/// Every admin call, with valid and invalid parameters.
async fn admin_calls(client: &Client) -> Vec<(Method, String)> {
    let document = client.get("/openapi.json").await.json();
    let mut calls = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let is_admin = path.starts_with("/api/v1/admin/");
            let security = &operation["security"];
            let needs_token =
                [json!([{"admin": []}]), json!([{"seller": []}, {"admin": []}])].contains(security);
            // Payments need the seller's token, whatever the event.
            let is_seller = path.ends_with("/payment");
            assert_eq!(needs_token, is_admin || is_seller, "{method} {path}: documented as it is");
            if is_admin {
                let method: Method = method.to_uppercase().parse().unwrap();
                for (event, id) in [
                    ("default", "01900000-0000-7000-8000-000000000000"),
                    ("No%20Event", "no-id"),
                    ("%ff", "%00"),
                ] {
                    calls.push((
                        method.clone(),
                        path.replace("{event}", event)
                            .replace("{webhook}", event)
                            .replace("{id}", id),
                    ));
                }
            }
        }
    }
    assert!(calls.len() >= 9, "{calls:?}");
    calls
}

#[tokio::test]
async fn every_admin_call_needs_the_token() {
    let (dir, other, closed) =
        (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let services =
        [Process::vacancy(dir.path(), &[]).await, Process::monolith(other.path(), &[]).await];
    for service in &services {
        let client = service.client();
        let before = client.ledger("default").await;
        for (method, path) in admin_calls(&client).await {
            for body in [None, Some(json!({"stocks": {"general": 1}})), Some(json!("nonsense"))] {
                let call = async |headers: &[(&str, &str)]| {
                    client.call(method.clone(), &path, headers, body.clone()).await.unwrap()
                };
                for headers in [
                    &[][..],
                    &[("authorization", "Basic YWRtaW46YWRtaW4=")],
                    &[("authorization", "Bearer")],
                ] {
                    assert_eq!(
                        (call(headers).await.status, call(headers).await.problem().as_str()),
                        (401, "unauthorized"),
                        "{method} {path}"
                    );
                }
                for token in [
                    "Bearer x",
                    "Bearer an-admin-token-for-test",
                    "Bearer AN-ADMIN-TOKEN-FOR-TESTS",
                    "Bearer  an-admin-token-for-testsx",
                ] {
                    let answer =
                        call(&[("authorization", token), ("idempotency-key", "\"malformed")]).await;
                    assert_eq!(
                        (answer.status, answer.problem().as_str()),
                        (403, "forbidden"),
                        "{method} {path} {token}"
                    );
                }
            }
        }
        assert_eq!(client.ledger("default").await, before);
    }
    let off = Process::monolith(closed.path(), &[("ADMIN_TOKEN", "")]).await;
    for (method, path) in admin_calls(&off.client()).await {
        let answer = off
            .client()
            .call(method, &path, &[("authorization", "Bearer an-admin-token-for-tests")], None)
            .await
            .unwrap();
        assert_eq!((answer.status, answer.problem().as_str()), (403, "forbidden"), "{path}");
    }
}

#[tokio::test]
async fn admin_calls_are_off_without_a_configured_token() {
    let dir = tempfile::tempdir().unwrap();
    let vacancy = Process::vacancy(dir.path(), &[("ADMIN_TOKEN", "")]).await;
    for headers in [&[][..], &[("authorization", "Bearer ")], &[("authorization", "Bearer x")]] {
        let answer = vacancy
            .client()
            .call(Method::GET, "/api/v1/admin/events/default/sales", headers, None)
            .await
            .unwrap();
        assert_eq!((answer.status, answer.problem().as_str()), (403, "forbidden"));
        assert!(answer.json()["detail"].as_str().unwrap().contains("ADMIN_TOKEN"));
    }
}

#[tokio::test]
async fn event_updates_are_guarded_by_version() {
    let dir = tempfile::tempdir().unwrap();
    let vacancy =
        Process::vacancy(dir.path(), &[("MAX_STOCKS_PER_EVENT", "3"), ("MAX_CAPACITY", "100000")])
            .await;
    let client = vacancy.client();
    let put = async |headers: &[(&str, &str)], body| {
        client.admin(Method::PUT, "/api/v1/admin/events/gig", headers, Some(body)).await
    };
    assert_eq!(put(&[("if-match", "*")], json!({"stocks": {"general": 10}})).await.status, 412);
    let created = put(&[], json!({"stocks": {"general": 10, "vip": 2}, "opens_at": "2020-01-01T00:00:00Z", "hold_ttl_s": 30})).await;
    assert_eq!((created.status, created.header("etag")), (201, "\"1-1\""));
    let body = created.json();
    assert_eq!(
        (&body["opens_at"], &body["hold_ttl_s"]),
        (&json!("2020-01-01T00:00:00Z"), &json!(30))
    );
    let same = put(&[], json!({"stocks": {"general": 10, "vip": 2}, "opens_at": "2020-01-01T01:00:00+01:00", "hold_ttl_s": 30})).await;
    assert_eq!((same.status, same.header("etag"), same.header("event-seq")), (200, "\"1-1\"", "1"));

    let sold = client
        .post("/api/v1/holds", json!({"event": "gig", "items": [{"stock": "general", "qty": 7}]}))
        .await;
    assert_eq!(sold.status, 201);
    let seen = client.get("/api/v1/events/gig").await;
    assert_eq!(
        (seen.header("etag"), seen.header("cache-control")),
        ("\"1-2\"", "no-store"),
        "a sale is no new version of the settings"
    );
    let below = put(&[], json!({"stocks": {"general": 6, "vip": 2}})).await;
    assert_eq!((below.status, below.problem().as_str()), (409, "capacity_below_use"));
    assert_eq!(
        put(&[], json!({"stocks": {"vip": 2}})).await.problem(),
        "capacity_below_use",
        "what is in use cannot be removed"
    );
    assert_eq!(
        put(&[("if-match", "\"9-9\"")], json!({"stocks": {"general": 20}})).await.problem(),
        "precondition_failed"
    );
    assert_eq!(
        put(&[("if-match", "W/\"1-1\"")], json!({"stocks": {"general": 20}})).await.problem(),
        "precondition_failed"
    );
    assert_eq!(put(&[("if-match", "1")], json!({"stocks": {"general": 20}})).await.status, 400);
    let changed = put(&[("if-match", "\"7-9\", \"1-1\"")], json!({"stocks": {"general": 7}})).await;
    assert_eq!((changed.status, changed.header("etag")), (200, "\"3-3\""));
    let body = changed.json();
    assert_eq!(
        body["stocks"],
        json!({"general": {"capacity": 7, "available": 0, "held": 7, "sold": 0, "seq": 3}})
    );
    assert!(
        body.get("opens_at").is_none() && body.get("hold_ttl_s").is_none(),
        "what is not named is reset"
    );

    let wrong = [
        json!({}),
        json!({"stocks": {}}),
        json!({"stocks": {"A": 1}}),
        json!({"stocks": {"a": -1}}),
        json!({"stocks": {"a": 100_001}}),
        json!({"stocks": {"a": 1, "b": 1, "c": 1, "d": 1}}),
        json!({"stocks": {"a": 1}, "opens_at": "tomorrow"}),
        json!({"stocks": {"a": 1}, "opens_at": "2030-01-02T00:00:00Z", "closes_at": "2030-01-01T00:00:00Z"}),
        json!({"stocks": {"a": 1}, "opens_at": "1969-01-02T00:00:00Z"}),
        json!({"stocks": {"a": 1}, "hold_ttl_s": 0}),
        json!({"stocks": {"a": 1}, "hold_ttl_s": 3601}),
        json!({"stocks": {"a": 1}, "limit_per_customer": 0}),
        json!({"stocks": {"a": 1}, "limit_per_customer": 100_001}),
        json!({"stocks": {"a": 1}, "limit_per_customer": u64::MAX}),
        json!({"stocks": {"a": 1}, "limit_per_costumer": 4}),
    ];
    for body in wrong {
        let answer = put(&[], body.clone()).await;
        assert_eq!((answer.status, answer.problem().as_str()), (422, "validation"), "{body}");
    }
    assert_eq!(
        put(&[], json!({"stocks": {"general": 7}, "limit_per_customer": 100_000})).await.json()["limit_per_customer"],
        100_000
    );
    assert_eq!(client.put_event("Gig", json!({"stocks": {"a": 1}})).await.status, 404);
}

#[tokio::test]
async fn too_many_events_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let vacancy = Process::vacancy(dir.path(), &[("MAX_EVENTS", "2")]).await;
    assert_eq!(
        vacancy.client().put_event("a", json!({"stocks": {"general": 1}})).await.status,
        201
    );
    assert_eq!(
        vacancy.client().put_event("b", json!({"stocks": {"general": 1}})).await.problem(),
        "too_many_events"
    );
    assert_eq!(
        vacancy.client().put_event("a", json!({"stocks": {"general": 2}})).await.status,
        200
    );
}
