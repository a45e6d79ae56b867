//! Prices, payments and refunds that are due, over HTTP, on both stores.

use std::time::Duration;

use serde_json::{Value, json};
use system_tests::{Answer, Client, Process};

use crate::postgres::support::start_server;

fn euros(amount_minor: u64) -> Value {
    json!({"amount_minor": amount_minor, "currency": "EUR"})
}

async fn priced_event(client: &Client, general: u64) {
    let stocks = json!({"general": {"capacity": general, "price": euros(4550)}, "free": 9});
    let put = client.put_event("gala", json!({"stocks": stocks, "sell_by": "seller"})).await;
    assert_eq!(put.status, 201, "{}", put.json());
    let body = put.json();
    assert_eq!(
        (&body["stocks"]["general"]["price"], &body["sell_by"]),
        (&euros(4550), &json!("seller"))
    );
    assert!(body["stocks"]["free"].get("price").is_none(), "{body}");
}

async fn hold(client: &Client, qty: u64, ttl_s: u64) -> (String, Value) {
    let items = json!([{"stock": "general", "qty": qty}]);
    let made = client
        .post("/api/v1/holds", json!({"event": "gala", "items": items, "ttl_s": ttl_s}))
        .await;
    assert_eq!(made.status, 201, "{}", made.json());
    (made.header("location").to_owned(), made.json())
}

/// Waits until the hold at `path` is expired.
async fn expired(client: &Client, path: &str) {
    while client.get(path).await.json()["state"] != "expired" {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn code(answer: &Answer) -> (u16, String) {
    (answer.status, answer.problem())
}

async fn paid_only(client: &Client) {
    priced_event(client, 10).await;
    let (path, made) = hold(client, 2, 600).await;
    assert_eq!(made["total"], euros(9100));
    // The price of a hold stays when that of the event changes.
    let dearer = json!({"stocks": {"general": {"capacity": 10, "price": euros(5000)}, "free": 9}, "sell_by": "seller"});
    assert_eq!(client.put_event("gala", dearer).await.status, 200);
    assert_eq!(client.get(&path).await.json()["total"], euros(9100));

    let confirm = format!("{path}/confirm");
    for (amount, what) in [
        (euros(9101), "more"),
        (euros(9099), "less"),
        (euros(10000), "the new price"),
        (json!({"amount_minor": 9100, "currency": "USD"}), "another currency"),
    ] {
        let body = json!({"payment_ref": "pay-1", "amount": amount});
        let refused = client.seller(&confirm, &[], body).await;
        assert_eq!(code(&refused), (409, "amount_mismatch".to_owned()), "{what}");
        assert_eq!(refused.json()["total"], euros(9100), "{what}");
    }
    let paid = json!({"payment_ref": "pay-1", "amount": euros(9100)});
    let confirmed = client.seller(&confirm, &[("idempotency-key", "c-1")], paid.clone()).await;
    assert_eq!((confirmed.status, &confirmed.json()["state"]), (200, &json!("confirmed")));
    for (headers, body) in [
        (&[("idempotency-key", "c-1")][..], paid.clone()),
        (&[("idempotency-key", "c-2")], paid.clone()),
        (&[], json!({"payment_ref": "pay-1"})),
        (&[], json!({})),
    ] {
        let again = client.seller(&confirm, headers, body).await;
        assert_eq!((again.status, &again.bytes), (200, &confirmed.bytes), "a repeated webhook");
    }
    let twice = client.seller(&confirm, &[], json!({"payment_ref": "pay-2"})).await;
    assert_eq!(code(&twice), (409, "paid_otherwise".to_owned()));
    assert_eq!(client.get(&path).await.json()["payment_ref"], "pay-1");
    let id = path.rsplit('/').next().unwrap();
    let refunds = format!("/api/v1/admin/reservations/{id}/refunds");
    assert_eq!(client.seller(&refunds, &[], json!({})).await.status, 201, "the seller refunds");
}

async fn too_late(client: &Client) {
    priced_event(client, 2).await;
    let (path, _) = hold(client, 2, 1).await;
    let confirm = format!("{path}/confirm");
    expired(client, &path).await;
    let (other, _) = hold(client, 1, 600).await;
    let late = |payment: &str| {
        let body = json!({"payment_ref": payment, "amount": euros(9100)});
        let (client, confirm) = (client.clone(), confirm.clone());
        async move { client.seller(&confirm, &[("idempotency-key", "late")], body).await }
    };
    let first = late("pay-1").await;
    assert_eq!(code(&first), (410, "hold_expired_sold_out".to_owned()));
    assert_eq!(first.json()["refund_due"], "pay-1");
    assert!(first.json()["detail"].as_str().unwrap().contains("refunded"), "{}", first.json());
    let seq = first.json()["seq"].as_u64().unwrap();
    for _ in 0..3 {
        let again = late("pay-1").await;
        assert_eq!((again.status, &again.json()["refund_due"]), (410, &json!("pay-1")));
    }
    assert_eq!(late("pay-2").await.json()["refund_due"], "pay-2");
    let without = client.seller(&confirm, &[], json!({})).await;
    assert_eq!(code(&without), (410, "hold_expired_sold_out".to_owned()));
    assert!(without.json().get("refund_due").is_none());
    // Stock returns: the payments that are refunded buy nothing, a new one does.
    assert_eq!(client.delete(&other).await.status, 204);
    assert_eq!(late("pay-1").await.status, 410);
    assert_eq!(late("pay-2").await.status, 410);
    assert_eq!(late("pay-3").await.status, 200);
    let seen = client.get(&path).await.json();
    assert_eq!(
        (&seen["state"], &seen["payment_ref"], &seen["refunds_due"]),
        (&json!("confirmed"), &json!("pay-3"), &json!(["pay-1", "pay-2"]))
    );
    let due: Vec<_> = client
        .ledger("gala")
        .await
        .into_iter()
        .filter(|record| record["type"] == "io.ticket-system.ledger.refund_due")
        .collect();
    let told: Vec<_> = due.iter().map(|record| &record["data"]["payment_ref"]).collect();
    assert_eq!(told, ["pay-1", "pay-2"], "once per payment");
    assert_eq!(due[0]["sequence"], seq.to_string());
    assert_eq!(due[0]["data"]["amount"], euros(9100));
}

async fn payment_window(client: &Client) {
    priced_event(client, 10).await;
    let (path, made) = hold(client, 1, 5).await;
    let pay = format!("{path}/payment");
    let started = json!({"ref": "pay-1", "state": "started"});
    let first = client.seller(&pay, &[], started.clone()).await;
    assert_eq!(first.status, 200, "{}", first.json());
    let until = |body: &Value| body["expires_at"].as_str().unwrap().to_owned();
    assert!(until(&first.json()) > until(&made), "{}", first.json());
    let again = client.seller(&pay, &[], started.clone()).await;
    assert_eq!((again.status, until(&again.json())), (200, until(&first.json())), "once");
    let other = client.seller(&pay, &[], json!({"ref": "pay-2", "state": "started"})).await;
    assert_eq!(code(&other), (409, "payment_started".to_owned()));
    assert_eq!(client.get(&path).await.json()["payment_started"], "pay-1");
    for wrong in [
        json!({"ref": "pay-1"}),
        json!({"state": "started"}),
        json!({"ref": "pay-1", "state": "done"}),
        json!({"ref": " ", "state": "started"}),
        json!({"ref": null, "state": "started"}),
    ] {
        assert_eq!(code(&client.seller(&pay, &[], wrong).await), (422, "validation".to_owned()));
    }
    assert_eq!(client.delete(&path).await.status, 204);
    assert_eq!(code(&client.seller(&pay, &[], started).await), (409, "hold_released".to_owned()));
}

#[tokio::test]
async fn confirmed_only_for_the_pinned_total_and_one_payment() {
    let dir = tempfile::tempdir().unwrap();
    paid_only(&Process::monolith(dir.path(), &[]).await.client()).await;
}

#[tokio::test]
async fn late_payment_is_recorded_once_and_buys_nothing() {
    let dir = tempfile::tempdir().unwrap();
    too_late(&Process::vacancy(dir.path(), &[]).await.client()).await;
}

#[tokio::test]
async fn payment_extends_a_hold_once() {
    let dir = tempfile::tempdir().unwrap();
    payment_window(&Process::vacancy(dir.path(), &[]).await.client()).await;
}

#[tokio::test]
async fn money_is_the_same_on_postgres() {
    let server = start_server(&[]).await;
    for number in 0..3 {
        let store = server.database().await;
        let vacancy = Process::start("vacancy", &[("STORE_URL", &store)]).await;
        let client = vacancy.client();
        match number {
            0 => paid_only(&client).await,
            1 => too_late(&client).await,
            _ => payment_window(&client).await,
        }
    }
}

#[tokio::test]
async fn prices_are_checked() {
    let dir = tempfile::tempdir().unwrap();
    let vacancy = Process::vacancy(dir.path(), &[]).await;
    let client = vacancy.client();
    let priced = |price: Value| json!({"stocks": {"a": {"capacity": 1, "price": price}}});
    for (body, words) in [
        (
            json!({"stocks": {"a": {"capacity": 1, "price": euros(1)}, "b": {"capacity": 1, "price": {"amount_minor": 1, "currency": "USD"}}}}),
            "stocks: all prices of an event have one currency.",
        ),
        (priced(euros(1 << 53)), "stocks: a price is at most 9007199254740991."),
        (
            priced(json!({"amount_minor": 1, "currency": "eur"})),
            "currency: must be three upper-case letters",
        ),
        (priced(json!({"amount_minor": 1})), "member \"currency\" is missing"),
        (priced(json!({"amount_minor": -1, "currency": "EUR"})), "the number is too small"),
        (
            priced(json!({"amount_minor": 1.5, "currency": "EUR"})),
            "must be a whole number, not 1.5",
        ),
        (priced(json!(5)), "must be an object, not the number 5"),
        (json!({"stocks": {"a": {"capacity": 1, "prize": euros(1)}}}), "did you mean \"price\"?"),
        (json!({"stocks": {"a": {"price": euros(1)}}}), "member \"capacity\" is missing"),
        (
            json!({"stocks": {"a": "1"}}),
            "must be a whole number or an object, not the string \"1\"",
        ),
        (
            json!({"stocks": {"a": 1}, "sell_by": "nobody"}),
            "sell_by: must be \"anyone\" or \"seller\", not \"nobody\".",
        ),
    ] {
        let refused = client.put_event("gala", body.clone()).await;
        assert_eq!(code(&refused), (422, "validation".to_owned()), "{body}");
        let detail = refused.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains(words), "{body}: {detail}");
    }
    let dear = priced(euros((1 << 53) - 1));
    assert_eq!(client.put_event("gala", dear).await.status, 201);
    let stocks = json!({"a": {"capacity": 5, "price": euros((1 << 53) - 1)}});
    assert_eq!(client.put_event("gala", json!({"stocks": stocks})).await.status, 200);
    let items = json!([{"stock": "a", "qty": 2}]);
    let refused = client.post("/api/v1/holds", json!({"event": "gala", "items": items})).await;
    assert_eq!(code(&refused), (422, "total_too_large".to_owned()));
}
