//! Holds: creation, expiry, confirmation and release.

use std::time::Duration;

use serde_json::{Value, json};
use system_tests::{Answer, Client, Process};

async fn gig(client: &Client) {
    let answer = client
        .put_event("gig", json!({"stocks": {"general": 10, "vip": 2}, "limit_per_customer": 6}))
        .await;
    assert_eq!(answer.status, 201);
}

async fn hold(client: &Client, items: Value, customer: &str, ttl_s: Option<u64>) -> Answer {
    let mut body = json!({"event": "gig", "items": items, "customer": customer});
    if let Some(ttl_s) = ttl_s {
        body["ttl_s"] = json!(ttl_s);
    }
    client.post("/api/v1/holds", body).await
}

async fn counts(client: &Client, stock: &str) -> (u64, u64, u64) {
    let body = client.get("/api/v1/events/gig").await.json();
    let count = |name: &str| body["stocks"][stock][name].as_u64().unwrap();
    assert_eq!(count("available") + count("held") + count("sold"), count("capacity"));
    (count("available"), count("held"), count("sold"))
}

#[tokio::test]
async fn hold_is_created_read_confirmed_and_refunded() {
    let dir = tempfile::tempdir().unwrap();
    let vacancy = Process::vacancy(dir.path(), &[]).await;
    let client = vacancy.client();
    gig(&client).await;
    let made = hold(
        &client,
        json!([{"stock": "vip", "qty": 1}, {"stock": "general", "qty": 3}]),
        "zoë",
        None,
    )
    .await;
    let body = made.json();
    let id = body["id"].as_str().unwrap();
    assert_eq!((made.status, &body["state"], made.header("event-seq")), (201, &json!("held"), "2"));
    assert_eq!(made.header("location"), format!("/api/v1/holds/{id}"));
    assert_eq!(body["items"], json!([{"stock": "general", "qty": 3}, {"stock": "vip", "qty": 1}]));
    assert_eq!(
        (counts(&client, "general").await, counts(&client, "vip").await),
        ((7, 3, 0), (1, 1, 0))
    );

    let seen = client.get(made.header("location")).await.json();
    assert_eq!(
        (&seen["state"], &seen["event"], &seen["expires_at"]),
        (&json!("held"), &json!("gig"), &body["expires_at"])
    );
    assert!(seen.get("customer").is_none(), "the response shows no customer");

    let path = format!("/api/v1/holds/{id}/confirm");
    let confirmed = client.post(&path, json!({"payment_ref": "pay-1"})).await;
    assert_eq!(
        (confirmed.status, &confirmed.json()["state"], &confirmed.json()["payment_ref"]),
        (200, &json!("confirmed"), &json!("pay-1"))
    );
    let again = client.call(reqwest::Method::POST, &path, &[], None).await.unwrap();
    assert_eq!(
        (again.status, again.bytes),
        (200, confirmed.bytes),
        "repeating it gives the same answer, without a body too"
    );
    assert_eq!(
        (counts(&client, "general").await, counts(&client, "vip").await),
        ((7, 0, 3), (1, 0, 1))
    );
    assert_eq!(client.delete(made.header("location")).await.problem(), "hold_confirmed");
    assert_eq!(
        client.post(&format!("/api/v1/holds/{id}/extend"), json!({"ttl_s": 10})).await.problem(),
        "hold_confirmed"
    );

    let refunds = format!("/api/v1/admin/reservations/{id}/refunds");
    let part = client
        .admin(
            reqwest::Method::POST,
            &refunds,
            &[],
            Some(json!({"items": [{"stock": "general", "qty": 2}]})),
        )
        .await;
    assert_eq!((part.status, &part.json()["reservation_id"]), (201, &json!(id)));
    assert_eq!(counts(&client, "general").await, (9, 0, 1));
    let too_much = client
        .admin(
            reqwest::Method::POST,
            &refunds,
            &[],
            Some(json!({"items": [{"stock": "general", "qty": 2}]})),
        )
        .await;
    assert_eq!((too_much.status, too_much.problem().as_str()), (409, "already_refunded"));
    let misspelt =
        client.admin(reqwest::Method::POST, &refunds, &[], Some(json!({"item": []}))).await;
    assert_eq!((misspelt.status, misspelt.problem().as_str()), (422, "validation"));
    let rest = client.admin(reqwest::Method::POST, &refunds, &[], None).await;
    assert_eq!(
        (rest.status, &rest.json()["items"]),
        (201, &json!([{"stock": "general", "qty": 1}, {"stock": "vip", "qty": 1}]))
    );
    assert_eq!(
        client.admin(reqwest::Method::POST, &refunds, &[], None).await.problem(),
        "already_refunded"
    );
    let seen = client.get(made.header("location")).await.json();
    assert_eq!((&seen["state"], &seen["refunded"]), (&json!("confirmed"), &seen["items"]));
    assert_eq!(
        (counts(&client, "general").await, counts(&client, "vip").await),
        ((10, 0, 0), (2, 0, 0))
    );
}

#[tokio::test]
async fn hold_takes_all_items_within_the_customer_limit() {
    let dir = tempfile::tempdir().unwrap();
    let vacancy = Process::vacancy(dir.path(), &[("MAX_ITEMS_PER_HOLD", "2")]).await;
    let client = vacancy.client();
    gig(&client).await;
    let refused = hold(
        &client,
        json!([{"stock": "vip", "qty": 3}, {"stock": "general", "qty": 1}]),
        "a",
        None,
    )
    .await;
    assert_eq!(
        (refused.status, refused.problem().as_str(), refused.header("event-seq")),
        (409, "sold_out", "1")
    );
    assert_eq!(refused.json()["available"], json!({"general": 10, "vip": 2}));
    assert_eq!(counts(&client, "general").await, (10, 0, 0));
    assert_eq!(hold(&client, json!([{"stock": "general", "qty": 4}]), "a", None).await.status, 201);
    let refused = hold(&client, json!([{"stock": "general", "qty": 3}]), "a", None).await;
    assert_eq!((refused.status, refused.problem().as_str()), (409, "limit_exceeded"));
    assert_eq!((&refused.json()["limit"], &refused.json()["has"]), (&json!(6), &json!(4)));
    assert_eq!(hold(&client, json!([{"stock": "general", "qty": 6}]), "b", None).await.status, 201);
    let anonymous = client
        .post("/api/v1/holds", json!({"event": "gig", "items": [{"stock": "vip", "qty": 1}]}))
        .await;
    assert_eq!((anonymous.status, anonymous.problem().as_str()), (422, "customer_required"));
    let one = json!([{"stock": "vip", "qty": 1}]);
    let cases = [
        (json!({"event": "nowhere", "items": one}), 404, "event_not_found"),
        (
            json!({"event": "gig", "items": [{"stock": "balcony", "qty": 1}], "customer": "c"}),
            404,
            "stock_not_found",
        ),
        (json!({"event": "gig", "items": []}), 422, "validation"),
        (json!({"event": "gig", "items": [{"stock": "vip", "qty": 0}]}), 422, "validation"),
        (json!({"event": "gig", "items": [["vip", 1]], "customer": "c"}), 422, "validation"),
        (json!(["gig", one, "c"]), 422, "validation"),
        (
            json!({"event": "gig", "items": [{"stock": "vip", "qty": 1}, {"stock": "vip", "qty": 1}]}),
            422,
            "validation",
        ),
        (json!({"event": "gig", "items": vec![one[0].clone(); 3]}), 422, "validation"),
        (json!({"event": "gig", "items": one, "ttl_s": 0}), 422, "validation"),
        (json!({"event": "gig", "items": one, "ttl_s": 3601}), 422, "validation"),
        (json!({"event": "GIG", "items": one}), 422, "validation"),
        (json!({"event": "gig", "items": one, "customer": "x".repeat(129)}), 422, "validation"),
        (json!({"items": one}), 422, "validation"),
    ];
    for (body, status, code) in cases {
        let answer = client.post("/api/v1/holds", body.clone()).await;
        assert_eq!((answer.status, answer.problem().as_str()), (status, code), "{body}");
    }
}

#[tokio::test]
async fn late_confirmation_takes_available_stock() {
    let dir = tempfile::tempdir().unwrap();
    let vacancy = Process::vacancy(dir.path(), &[]).await;
    let client = vacancy.client();
    gig(&client).await;
    let first = hold(&client, json!([{"stock": "vip", "qty": 2}]), "a", Some(1)).await.json();
    let second = hold(&client, json!([{"stock": "general", "qty": 1}]), "b", Some(1)).await.json();
    tokio::time::sleep(Duration::from_millis(1_050)).await;
    assert_eq!(
        counts(&client, "vip").await,
        (2, 0, 0),
        "the stock is available from its expiry on"
    );
    let path =
        |hold: &Value, call: &str| format!("/api/v1/holds/{}{call}", hold["id"].as_str().unwrap());
    assert_eq!(client.get(&path(&first, "")).await.json()["state"], "expired");
    assert_eq!(
        client.post(&path(&first, "/extend"), json!({"ttl_s": 5})).await.problem(),
        "hold_expired"
    );
    assert_eq!(client.delete(&path(&second, "")).await.status, 204);
    assert_eq!(
        client.post(&path(&second, "/confirm"), json!({})).await.status,
        200,
        "its item can still be had"
    );
    let other = hold(&client, json!([{"stock": "vip", "qty": 1}]), "c", None).await;
    assert_eq!(other.status, 201);
    let late = client.post(&path(&first, "/confirm"), json!({})).await;
    assert_eq!((late.status, late.problem().as_str()), (410, "hold_expired_sold_out"));
    assert_eq!(client.delete(other.header("location")).await.status, 204);
    assert_eq!(client.post(&path(&first, "/confirm"), json!({})).await.status, 200);
    assert_eq!(counts(&client, "vip").await, (0, 0, 2));
}

#[tokio::test]
async fn hold_extends_to_its_maximum_and_stays_released() {
    let dir = tempfile::tempdir().unwrap();
    let vacancy = Process::vacancy(
        dir.path(),
        &[("HOLD_TTL_S", "20"), ("HOLD_TTL_MAX_S", "50"), ("HOLD_LIFETIME_MAX_S", "60")],
    )
    .await;
    let client = vacancy.client();
    gig(&client).await;
    let made = hold(&client, json!([{"stock": "vip", "qty": 2}]), "a", Some(20)).await;
    let extend = format!("{}/extend", made.header("location"));
    let longer = client.post(&extend, json!({"ttl_s": 50})).await;
    assert_eq!(longer.status, 200);
    assert!(longer.json()["expires_at"].as_str() > made.json()["expires_at"].as_str());
    let shorter = client.post(&extend, json!({"ttl_s": 1})).await;
    assert_eq!(shorter.json()["expires_at"], longer.json()["expires_at"], "it never shortens");
    assert_eq!(client.post(&extend, json!({"ttl_s": 51})).await.problem(), "validation");
    for _ in 0..2 {
        let released = client.delete(made.header("location")).await;
        assert_eq!((released.status, released.bytes.len()), (204, 0));
    }
    assert_eq!(client.post(&extend, json!({"ttl_s": 5})).await.problem(), "hold_released");
    assert_eq!(
        client.post(&format!("{}/confirm", made.header("location")), json!({})).await.problem(),
        "hold_released"
    );
    assert_eq!(counts(&client, "vip").await, (2, 0, 0));
    let unknown = "/api/v1/holds/01900000-0000-7000-8000-000000000000";
    assert_eq!(client.get(unknown).await.problem(), "hold_not_found");
    assert_eq!(client.delete(unknown).await.problem(), "hold_not_found");
    assert_eq!(client.get("/api/v1/holds/1").await.problem(), "not_found");
}

#[tokio::test]
async fn maximum_hold_time_counts_from_creation() {
    let dir = tempfile::tempdir().unwrap();
    let vacancy = Process::vacancy(
        dir.path(),
        &[("HOLD_TTL_S", "4"), ("HOLD_TTL_MAX_S", "4"), ("HOLD_LIFETIME_MAX_S", "5")],
    )
    .await;
    let client = vacancy.client();
    gig(&client).await;
    let made = hold(&client, json!([{"stock": "vip", "qty": 2}]), "a", Some(4)).await;
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    let refused =
        client.post(&format!("{}/extend", made.header("location")), json!({"ttl_s": 4})).await;
    assert_eq!((refused.status, refused.problem().as_str()), (409, "extension_cap"));
    assert_eq!(
        client
            .post(&format!("{}/extend", made.header("location")), json!({"ttl_s": 2}))
            .await
            .status,
        200
    );
}
