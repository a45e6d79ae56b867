//! Looking up reservations by customer and payment: on both stores, in both modes.

use std::collections::HashSet;

use reqwest::Method;
use serde_json::{Value, json};
use system_tests::{ADMIN_TOKEN, Answer, Client, Process, SELLER_TOKEN};
use tempfile::TempDir;
use test_postgres::Server;

/// A service of each mode on each store.
struct Services {
    all: Vec<(&'static str, Process)>,
    _dirs: (TempDir, TempDir),
}

impl Services {
    async fn start() -> Self {
        let dirs = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let server = tokio::task::spawn_blocking(Server::common).await.unwrap();
        let (shared, alone) = (server.database().await, server.database().await);
        let database = [("STORE_URL", shared.as_str()), ("MAX_PAGE", "50")];
        let monolith =
            [("STORE_URL", alone.as_str()), ("MAX_PAGE", "50"), ("DEPLOYMENT_MODE", "monolith")];
        let all = vec![
            ("vacancy", Process::vacancy(dirs.0.path(), &[("MAX_PAGE", "50")]).await),
            ("monolith", Process::monolith(dirs.1.path(), &[("MAX_PAGE", "50")]).await),
            ("vacancy on PostgreSQL", Process::start("vacancy", &database).await),
            ("monolith on PostgreSQL", Process::start("ticket", &monolith).await),
        ];
        Self { all, _dirs: dirs }
    }
}

/// A query string of these parameters.
fn query(parameters: &[(&str, &str)]) -> String {
    let pairs = parameters.iter().map(|(name, value)| {
        let bytes = value.bytes().map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' => char::from(byte).to_string(),
            other => format!("%{other:02X}"),
        });
        format!("{name}={}", bytes.collect::<String>())
    });
    pairs.collect::<Vec<_>>().join("&")
}

async fn ask(client: &Client, query: &str) -> Answer {
    client.admin(Method::GET, &format!("/api/v1/admin/reservations?{query}"), &[], None).await
}

/// Every reservation of a look-up, page by page.
async fn look_up(client: &Client, parameters: &[(&str, &str)], limit: usize) -> Vec<Value> {
    let (mut all, limit, mut cursor) = (Vec::new(), limit.to_string(), None::<String>);
    loop {
        let mut asked = [parameters, &[("limit", limit.as_str())]].concat();
        asked.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
        let answer = ask(client, &query(&asked)).await;
        assert_eq!(answer.status, 200, "{parameters:?}: {}", answer.json());
        assert_eq!(answer.header("cache-control"), "no-store");
        let body = answer.json();
        all.extend(body["reservations"].as_array().unwrap().iter().cloned());
        match body["next"].as_str() {
            None => return all,
            Some(next) => cursor = Some(next.to_owned()),
        }
    }
}

fn reservations(answer: &Answer) -> Vec<Value> {
    answer.json()["reservations"].as_array().unwrap().clone()
}

fn ids(found: &[Value]) -> Vec<&str> {
    found.iter().map(|one| one["id"].as_str().unwrap()).collect()
}

async fn hold(client: &Client, event: &str, customer: &str) -> String {
    let items = json!([{"stock": "general", "qty": 2}]);
    let body = json!({"event": event, "items": items, "customer": customer, "ttl_s": 600});
    let made = client.post("/api/v1/holds", body).await;
    assert_eq!(made.status, 201, "{}", made.json());
    made.json()["id"].as_str().unwrap().to_owned()
}

async fn confirm(client: &Client, id: &str, payment: &str) {
    let path = format!("/api/v1/holds/{id}/confirm");
    assert_eq!(client.post(&path, json!({"payment_ref": payment})).await.status, 200);
}

async fn every_state(client: &Client, title: &str) {
    client.put_event("gala", json!({"stocks": {"general": 500}})).await;
    let bought = client.post("/api/v1/reserve", json!({"qty": 3, "customer": "Zoë 🎫"})).await;
    let bought = bought.json()["reservation_id"].as_str().unwrap().to_owned();
    let mut made = vec![bought];
    for customer in ["Zoë 🎫", " Zoe\u{308} 🎫 ", "Zoë 🎫\u{3000}", "Zoë 🎫"] {
        made.push(hold(client, "gala", customer).await);
    }
    hold(client, "gala", "Zoë").await;
    confirm(client, &made[2], " Caf\u{65}\u{301} +1/2&3 ").await;
    confirm(client, &made[3], "p-3").await;
    client.delete(&format!("/api/v1/holds/{}", made[4])).await;
    let refund = json!({"items": [{"stock": "general", "qty": 1}]});
    let path = format!("/api/v1/admin/reservations/{}/refunds", made[3]);
    assert_eq!(client.admin(Method::POST, &path, &[], Some(refund)).await.status, 201);

    for customer in ["Zoë 🎫", "Zoe\u{308} 🎫", "  Zoë 🎫 "] {
        let found = look_up(client, &[("customer", customer)], 2).await;
        let mut newest_first = made.clone();
        newest_first.sort_unstable_by(|a, b| b.cmp(a));
        assert_eq!(ids(&found), newest_first, "{title}: {customer:?}");
        let of = |at: usize| found.iter().find(|one| one["id"] == made[at].as_str()).unwrap();
        let states: Vec<_> = (0..5).map(|at| of(at)["state"].as_str().unwrap()).collect();
        assert_eq!(states, ["confirmed", "held", "confirmed", "confirmed", "released"], "{title}");
        assert_eq!(of(0)["event"], "default");
        assert_eq!(of(0)["items"], json!([{"stock": "general", "qty": 3}]));
        assert_eq!(of(3)["refunded"], json!([{"stock": "general", "qty": 1}]));
        assert!(of(1)["expires_at"].is_string() && of(0).get("expires_at").is_none());
        for one in &found {
            assert_eq!(one["customer"], "Zoë 🎫");
            assert!(one["created_at"].is_string() && one["seq"].is_u64(), "{one}");
        }
    }
    for payment in ["Café +1/2&3", " Cafe\u{301} +1/2&3"] {
        let found = look_up(client, &[("payment_ref", payment)], 50).await;
        assert_eq!(ids(&found), [&made[2]], "{title}: {payment:?}");
        assert_eq!(found[0]["payment_ref"], "Café +1/2&3");
    }
    let zoe = ("customer", "Zoë 🎫");
    for (parameters, expected) in [
        (&[zoe, ("payment_ref", "p-3")][..], &made[3..4]),
        (&[zoe, ("event", "default")], &made[..1]),
        (&[zoe, ("payment_ref", "p-3"), ("event", "default")], &[]),
        (&[("customer", "Zoë"), ("payment_ref", "p-3")], &[]),
        (&[zoe, ("event", "nowhere")], &[]),
        (&[("customer", "zoë 🎫")], &[]),
        (&[("customer", "p-3")], &[]),
        (&[("payment_ref", "p-")], &[]),
        (&[("payment_ref", "%")], &[]),
    ] {
        assert_eq!(
            ids(&look_up(client, parameters, 50).await),
            expected,
            "{title}: {parameters:?}"
        );
    }
}

#[tokio::test]
async fn reservations_are_found_in_every_state() {
    let services = Services::start().await;
    for (title, service) in &services.all {
        every_state(&service.client(), title).await;
    }
}

/// "I paid with reference X, where is my ticket?" when the payment was started and never confirmed,
/// and when it came too late.
#[tokio::test]
async fn payments_that_bought_nothing_are_found() {
    let services = Services::start().await;
    for (title, service) in &services.all {
        let client = service.client();
        client.put_event("small", json!({"stocks": {"general": 2}})).await;
        let started = hold(&client, "default", "slow").await;
        let payment = json!({"ref": "started-1", "state": "started"});
        let path = format!("/api/v1/holds/{started}/payment");
        assert_eq!(client.seller(&path, &[], payment).await.status, 200, "{title}");
        let items = json!([{"stock": "general", "qty": 2}]);
        let body = json!({"event": "small", "items": items, "customer": "late", "ttl_s": 1});
        let late =
            client.post("/api/v1/holds", body).await.json()["id"].as_str().unwrap().to_owned();
        let since = std::time::Instant::now();
        let body = json!({"event": "small", "items": items, "customer": "fast", "ttl_s": 600});
        while client.post("/api/v1/holds", body.clone()).await.status != 201 {
            assert!(since.elapsed().as_secs() < 20, "{title}");
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        let path = format!("/api/v1/holds/{late}/confirm");
        for payment in ["too-late-1", "too-late-2"] {
            let refused = client.post(&path, json!({"payment_ref": payment})).await;
            assert_eq!(refused.status, 410, "{title}: {}", refused.json());
        }
        for (payment, id, member, expected) in [
            ("started-1", &started, "payment_started", json!("started-1")),
            ("too-late-1", &late, "refunds_due", json!(["too-late-1", "too-late-2"])),
            ("too-late-2", &late, "refunds_due", json!(["too-late-1", "too-late-2"])),
        ] {
            let found = look_up(&client, &[("payment_ref", payment)], 50).await;
            assert_eq!(ids(&found), [id], "{title}: {payment}");
            assert_eq!(found[0][member], expected, "{title}: {payment}");
            let narrowed = [("payment_ref", payment), ("customer", "fast")];
            assert!(look_up(&client, &narrowed, 50).await.is_empty(), "{title}: {payment}");
        }
    }
}

#[tokio::test]
async fn hold_that_has_expired_is_shown_as_such_before_a_sweep() {
    let services = Services::start().await;
    for (title, service) in &services.all {
        let client = service.client();
        let items = json!([{"stock": "general", "qty": 1}]);
        let body = json!({"event": "default", "items": items, "customer": "late", "ttl_s": 1});
        assert_eq!(client.post("/api/v1/holds", body).await.status, 201);
        let since = std::time::Instant::now();
        loop {
            let found = look_up(&client, &[("customer", "late")], 10).await;
            match found[0]["state"].as_str() {
                Some("expired") => break,
                Some("held") => {}
                other => panic!("{title}: {other:?}"),
            }
            assert!(since.elapsed().as_secs() < 20, "{title}");
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        let now = client.get("/api/v1/available").await.json()["qty"].as_u64();
        assert!(now.is_some(), "{title}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_miss_and_repeat_nothing_while_sales_go_on() {
    let services = Services::start().await;
    for (title, service) in &services.all {
        let client = service.client();
        client.put_event("gala", json!({"stocks": {"general": 100_000}})).await;
        let mut before = HashSet::new();
        for _ in 0..60 {
            before.insert(hold(&client, "gala", "busy").await);
        }
        let selling = tokio::spawn({
            let client = client.clone();
            async move {
                for _ in 0..60 {
                    let id = hold(&client, "gala", "busy").await;
                    confirm(&client, &id, "busy").await;
                }
            }
        });
        let found = look_up(&client, &[("customer", "busy")], 3).await;
        selling.await.unwrap();
        let distinct: HashSet<_> = ids(&found).into_iter().map(str::to_owned).collect();
        assert_eq!(distinct.len(), found.len(), "{title}: none twice");
        assert!(before.is_subset(&distinct), "{title}: none left out");
        assert_eq!(look_up(&client, &[("customer", "busy")], 50).await.len(), 120, "{title}");
        assert_eq!(look_up(&client, &[("payment_ref", "busy")], 7).await.len(), 60, "{title}");
    }
}

#[tokio::test]
async fn invalid_lookups_are_refused_with_a_reason() {
    let services = Services::start().await;
    let long = "x".repeat(129);
    let long = format!("customer={long}");
    for (title, service) in &services.all {
        let client = service.client();
        for (query, reason) in [
            ("", "must name a customer or a payment_ref"),
            ("event=default", "must name a customer or a payment_ref"),
            ("limit=5&cursor=01900000-0000-7000-8000-000000000000", "must name a customer"),
            ("customer=", "customer: must be 1 to 128"),
            ("customer=%20%E3%80%80", "customer: must be 1 to 128"),
            ("payment_ref=a%00b", "payment_ref: must be 1 to 128"),
            ("payment_ref=a%E2%80%8Bb", "payment_ref: must be 1 to 128"),
            (long.as_str(), "customer: must be 1 to 128"),
            ("customer=a&customer=b", "Duplicate parameter \"customer\""),
            ("customer=a&custome%72=a", "Duplicate parameter \"customer\""),
            ("costumer=a", "did you mean \"customer\"?"),
            ("customer=a&paymentref=b", "did you mean \"payment_ref\"?"),
            ("customer=a&event=No%20Event", "event: must be 1 to 64"),
            ("customer=a&limit=0", "limit must be between 1 and 50"),
            ("customer=a&limit=51", "limit must be between 1 and 50"),
            ("customer=a&limit=-1", "limit: must be a whole number"),
            ("customer=a&cursor=", "cursor: must be the `next` of a page"),
            ("customer=a&cursor=1", "cursor: must be the `next` of a page"),
            ("customer=a&cursor=%7B01900000-0000-7000-8000-000000000000%7D", "cursor: must be"),
            ("customer=a&cursor=01900000000070008000000000000000", "cursor: must be"),
        ] {
            let answer = ask(&client, query).await;
            assert_eq!(
                (answer.status, answer.problem().as_str()),
                (422, "validation"),
                "{title}: {query}"
            );
            let detail = answer.json()["detail"].as_str().unwrap().to_owned();
            assert!(detail.contains(reason), "{title}: {query}: {detail}");
        }
        // Valid, and of no reservation: any id is a place to continue from.
        for query in [
            "customer=%27%3B%20DROP%20TABLE%20holds%3B--",
            "customer=a%FF",
            "payment_ref=..%2F..%2Fetc%2Fpasswd",
            "customer=a&cursor=00000000-0000-0000-0000-000000000000",
            "customer=a&cursor=ffffffff-ffff-ffff-ffff-ffffffffffff",
            "customer=a&cursor=FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF",
            "event=default&customer=a&payment_ref=a&limit=50",
        ] {
            let answer = ask(&client, query).await;
            assert_eq!(
                (answer.status, answer.json()),
                (200, json!({"reservations": []})),
                "{query}"
            );
        }
        let path = "/api/v1/admin/reservations?customer=a";
        let posted = client.admin(Method::POST, path, &[], Some(json!({}))).await;
        assert_eq!((posted.status, posted.problem().as_str()), (405, "method_not_allowed"));
    }
}

#[tokio::test]
async fn lookups_need_the_token_of_admin_or_seller() {
    let services = Services::start().await;
    for (title, service) in &services.all {
        let client = service.client();
        let id = hold(&client, "default", "secret-customer").await;
        confirm(&client, &id, "secret-payment").await;
        for query in ["customer=secret-customer", "payment_ref=secret-payment", "customer=%00", ""]
        {
            let path = format!("/api/v1/admin/reservations?{query}");
            for (token, expected) in [(None, 401), (Some("Bearer wrong"), 403)] {
                let headers: Vec<_> =
                    token.map(|token| ("authorization", token)).into_iter().collect();
                let answer = client.call(Method::GET, &path, &headers, None).await.unwrap();
                assert_eq!(answer.status, expected, "{title}: {query}");
                let text = String::from_utf8(answer.bytes).unwrap();
                assert!(!text.contains("secret") && !text.contains(&id), "{text}");
            }
        }
        let path = "/api/v1/admin/reservations?customer=secret-customer";
        for token in [ADMIN_TOKEN, SELLER_TOKEN] {
            let bearer = format!("Bearer {token}");
            let headers = [("authorization", bearer.as_str())];
            let answer = client.call(Method::GET, path, &headers, None).await.unwrap();
            assert_eq!((answer.status, ids(&reservations(&answer)).len()), (200, 1), "{title}");
        }
    }
}
