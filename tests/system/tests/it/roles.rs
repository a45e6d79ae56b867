//! Who may call what: everyone, the seller, administrators.

use reqwest::Method;
use serde_json::{Value, json};
use system_tests::{ADMIN_TOKEN, Answer, Client, GATE_TOKEN, Process, SELLER_TOKEN};

const STRANGER: &str = "Bearer some-token-of-another-system";

async fn send(client: &Client, method: Method, path: &str, token: &str, body: &Value) -> Answer {
    let headers = [("authorization", token)];
    let headers = if token.is_empty() { &[][..] } else { &headers };
    let body = (!body.is_null()).then(|| body.clone());
    client.call(method, path, headers, body).await.unwrap()
}

/// The body of a call, or null.
fn body_of(path: &str, hold: &str) -> Value {
    let items = json!([{"stock": "general", "qty": 1}]);
    match path.rsplit('/').next().unwrap() {
        "purchase" | "reserve" => json!({"qty": 1}),
        "batch" if path.contains("/internal/") => json!([
            {"op": "reserve", "qty": 1, "key": "k", "event": "default"},
            {"op": "reserve", "qty": 1, "key": "s", "seller": true},
            {"op": "refund", "id": hold, "key": "r", "seller": true},
            {"op": "refund", "id": hold, "key": "r"},
            {"op": "start_payment", "id": hold, "payment_ref": "p", "key": "p"},
            {"op": "confirm", "id": hold, "payment_ref": "p", "key": "c"},
            {"op": "confirm", "id": hold, "payment_ref": "p", "key": "c", "seller": true},
        ]),
        "batch" => {
            json!([{"qty": 1, "key": "k", "event": "default"}, {"qty": 1, "key": "s", "seller": true}])
        }
        "holds" => json!({"event": "default", "items": items}),
        "extend" => json!({"ttl_s": 60}),
        "payment" => json!({"ref": "p", "state": "started"}),
        "confirm" => json!({"payment_ref": "p"}),
        "refunds" => json!({}),
        _ => Value::Null,
    }
}

/// Makes event `default` one that the seller alone sells, and holds a ticket of it.
async fn seller_event(client: &Client) -> String {
    let put = json!({"stocks": {"general": 100}, "sell_by": "seller"});
    assert_eq!(client.put_event("default", put).await.status, 200);
    let items = json!([{"stock": "general", "qty": 1}]);
    let made = client.post("/api/v1/holds", json!({"event": "default", "items": items})).await;
    assert_eq!(made.status, 201);
    made.json()["id"].as_str().unwrap().to_owned()
}

/// Counts that only the seller may change.
async fn sold(client: &Client) -> u64 {
    client.get("/api/v1/events/default").await.json()["stocks"]["general"]["sold"].as_u64().unwrap()
}

#[tokio::test]
async fn no_public_call_sells_what_the_seller_alone_sells() {
    let dir = tempfile::tempdir().unwrap();
    let monolith = Process::monolith(dir.path(), &[]).await;
    let client = monolith.client();
    let document = client.get("/openapi.json").await.json();
    let id = seller_event(&client).await;
    let gate = format!("Bearer {GATE_TOKEN}");
    let mut calls = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            let method: Method = method.to_uppercase().parse().unwrap();
            let path = path
                .replace("{event}", "default")
                .replace("{webhook}", "shop")
                .replace("{id}", &id);
            // What a hold's owner may do is tried elsewhere; released, it could not be confirmed.
            if method == Method::DELETE && path.contains("/holds/") {
                continue;
            }
            for token in ["", STRANGER, &gate] {
                for extra in ["", "?", "/", "//"] {
                    send(
                        &client,
                        method.clone(),
                        &format!("{path}{extra}"),
                        token,
                        &body_of(&path, &id),
                    )
                    .await;
                }
            }
            calls.push(format!("{method} {path}"));
        }
    }
    assert!(calls.len() >= 15, "{calls:?}");
    assert_eq!(sold(&client).await, 0, "{calls:?}");
    let kinds: Vec<_> = client
        .ledger("default")
        .await
        .iter()
        .map(|record| record["data"]["kind"].clone())
        .collect();
    let allowed = ["event_put", "held", "extended"];
    assert!(kinds.iter().all(|kind| allowed.contains(&kind.as_str().unwrap())), "{kinds:?}");
    let confirmed = client.seller(&format!("/api/v1/holds/{id}/confirm"), &[], json!({})).await;
    assert_eq!(confirmed.status, 200, "the seller may");
}

#[tokio::test]
async fn missing_token_is_401_and_another_role_403() {
    let dir = tempfile::tempdir().unwrap();
    let vacancy = Process::vacancy(dir.path(), &[]).await;
    let ticket = Process::ticket(vacancy.base(), &[]).await;
    let client = vacancy.client();
    let id = seller_event(&client).await;
    let calls = [
        (ticket.client(), "/api/v1/purchase".to_owned()),
        (client.clone(), "/api/v1/reserve".to_owned()),
        (client.clone(), format!("/api/v1/holds/{id}/payment")),
        (client.clone(), format!("/api/v1/holds/{id}/confirm")),
        (client.clone(), format!("/api/v1/admin/reservations/{id}/refunds")),
    ];
    let gate = format!("Bearer {GATE_TOKEN}");
    for (client, path) in &calls {
        let body = body_of(path, &id);
        for (token, expected) in [
            ("", (401, "unauthorized")),
            ("Basic YTpi", (401, "unauthorized")),
            ("Bearer ", (401, "unauthorized")),
            (STRANGER, (403, "forbidden")),
            (&gate, (403, "forbidden")),
        ] {
            let answer = send(client, Method::POST, path, token, &body).await;
            let code = answer.problem();
            assert_eq!((answer.status, code.as_str()), expected, "{path} {token}");
            assert!(
                !answer.header("www-authenticate").is_empty() || answer.status == 403,
                "{path}"
            );
        }
    }
    for (client, path) in &calls {
        let answer = send(
            client,
            Method::POST,
            path,
            &format!("Bearer {SELLER_TOKEN}"),
            &body_of(path, &id),
        )
        .await;
        assert!(matches!(answer.status, 200 | 201), "{path}: {}", answer.json());
    }
    assert_eq!(sold(&client).await, 2, "a purchase and a reservation; the hold was refunded");
    let admin = format!("Bearer {ADMIN_TOKEN}");
    for (client, path) in calls.iter().take(2) {
        let answer = send(client, Method::POST, path, &admin, &body_of(path, &id)).await;
        assert_eq!(answer.status, 200, "administrators may all: {path}");
    }
    let events = "/api/v1/admin/events/default";
    let seller = format!("Bearer {SELLER_TOKEN}");
    for (method, path, body) in [
        (Method::PUT, events, json!({"stocks": {"general": 1000}})),
        (Method::GET, events, Value::Null),
        (Method::DELETE, events, Value::Null),
        (Method::GET, "/api/v1/admin/events/default/sales", Value::Null),
    ] {
        let answer = send(&client, method.clone(), path, &seller, &body).await;
        assert_eq!(
            (answer.status, answer.problem().as_str()),
            (403, "forbidden"),
            "{method} {path}"
        );
    }
}

#[tokio::test]
async fn key_of_the_seller_answers_nobody_else() {
    let dir = tempfile::tempdir().unwrap();
    let vacancy = Process::vacancy(dir.path(), &[]).await;
    let client = vacancy.client();
    let id = seller_event(&client).await;
    let confirm = format!("/api/v1/holds/{id}/confirm");
    let key = [("idempotency-key", "order-1")];
    for path in ["/api/v1/reserve", &confirm] {
        let body = body_of(path, &id);
        let sold = client.seller(path, &key, body.clone()).await;
        assert_eq!(sold.status, 200);
        let other = client.keyed(path, "order-1", body.clone()).await.unwrap();
        assert_eq!((other.status, other.problem().as_str()), (401, "unauthorized"));
        let again = client.seller(path, &key, body).await;
        assert_eq!((again.status, again.bytes), (200, sold.bytes));
    }
}

#[tokio::test]
async fn seller_and_others_share_calls_from_ticket() {
    let dir = tempfile::tempdir().unwrap();
    let vacancy = Process::vacancy(dir.path(), &[]).await;
    let ticket = Process::ticket(vacancy.base(), &[("VACANCY_CALLS", "1")]).await;
    seller_event(&vacancy.client()).await;
    let buys = (0..120).map(|number| {
        let client = ticket.client();
        async move {
            let by_seller = number % 3 == 0;
            let answer = if by_seller {
                client.seller("/api/v1/purchase", &[], json!({"qty": 1})).await
            } else {
                client.post("/api/v1/purchase", json!({"qty": 1})).await
            };
            (by_seller, answer)
        }
    });
    for (by_seller, answer) in futures::future::join_all(buys).await {
        let expected = if by_seller { 200 } else { 401 };
        assert_eq!(answer.status, expected, "{}", answer.json());
    }
    assert_eq!(sold(&vacancy.client()).await, 40);
}

#[tokio::test]
async fn seller_token_of_a_file_is_followed_and_none_disables_its_calls() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("seller");
    std::fs::write(&file, "the-first-token-of-the-seller\n").unwrap();
    let data = dir.path().join("data");
    let env = [("SELLER_TOKEN", ""), ("SELLER_TOKEN_FILE", file.to_str().unwrap())];
    let vacancy = Process::vacancy(&data, &env).await;
    let client = vacancy.client();
    let id = seller_event(&client).await;
    let pay = format!("/api/v1/holds/{id}/payment");
    let body = body_of(&pay, &id);
    let with = |token: &str| {
        let (client, pay, body) = (client.clone(), pay.clone(), body.clone());
        let token = format!("Bearer {token}");
        async move { send(&client, Method::POST, &pay, &token, &body).await.status }
    };
    assert_eq!(with("the-first-token-of-the-seller").await, 200);
    assert_eq!(with("the-second-token-of-the-seller").await, 403);
    std::fs::write(&file, "the-first-token-of-the-seller,the-second-token-of-the-seller").unwrap();
    while with("the-second-token-of-the-seller").await != 200 {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(with("the-first-token-of-the-seller").await, 200, "both are valid meanwhile");
    drop(vacancy);

    let none = [("SELLER_TOKEN", ""), ("ADMIN_TOKEN", "")];
    let other = dir.path().join("other");
    let vacancy = Process::vacancy(&other, &none).await;
    let answer = send(&vacancy.client(), Method::POST, &pay, "", &body).await;
    assert_eq!(answer.status, 403);
    assert!(
        answer.json()["detail"].as_str().unwrap().contains("SELLER_TOKEN"),
        "{}",
        answer.json()
    );
}
