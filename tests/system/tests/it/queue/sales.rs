//! Direct sales of an event with a waiting room, and events without one.

use reqwest::Method;
use serde_json::{Value, json};
use system_tests::{Answer, Client};

use super::{Customer, EVENT, Mode, System, assert_problem, hold, put_line, records};

async fn buy(client: &Client, path: &str, headers: &[(&str, &str)]) -> Answer {
    client.call(Method::POST, path, headers, Some(json!({"qty": 1}))).await.unwrap()
}

async fn batch(client: &Client, path: &str, entry: Value) -> Value {
    let answer = client.post(path, json!([entry])).await;
    assert_eq!(answer.status, 200, "{}", answer.json());
    let body = answer.json();
    body.as_array().or_else(|| body["answers"].as_array()).unwrap()[0].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn purchase_of_the_default_event_needs_a_pass() {
    for mode in Mode::BOTH {
        let system = System::start(mode, &[("INITIAL_STOCK", "5")]).await;
        let client = system.client();
        put_line(&system.admin(), "default", 5, &json!({})).await;
        assert_problem(&buy(&client, "/api/v1/purchase", &[]).await, 403, "pass_required");
        let own = Customer::join(&client, "default", "own").await;
        let pass = own.pass().await;
        let headers = [("queue-pass", pass.as_str()), ("idempotency-key", "order")];
        let bought = buy(&client, "/api/v1/purchase", &headers).await;
        assert_eq!((bought.status, &bought.json()["success"]), (200, &json!(true)), "{mode:?}");
        let again = buy(&client, "/api/v1/purchase", &headers).await;
        assert_eq!((again.status, &again.bytes), (200, &bought.bytes));
        let spent = buy(&client, "/api/v1/purchase", &headers[..1]).await;
        assert_problem(&spent, 403, "pass_spent");
        let sold = records(&system.admin(), "default", "sold").await;
        assert_eq!(sold.len(), 1);
        let joined = records(&system.admin(), "default", "queue_joined").await;
        assert_eq!(sold[0]["place"], joined[0]["queue"]["leaves"][0]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_of_the_inside_let_nobody_past_the_queue() {
    let system = System::start(Mode::Services, &[("INITIAL_STOCK", "5")]).await;
    let inside = system.admin();
    put_line(&inside, "default", 5, &json!({})).await;
    assert_problem(&buy(&inside, "/api/v1/reserve", &[]).await, 403, "pass_required");
    let refused = batch(&inside, "/api/v1/reserve/batch", json!({"qty": 1, "key": "b"})).await;
    assert_eq!((&refused["status"], &refused["code"]), (&json!(403), &json!("pass_required")));
    let items = json!([{"stock": "general", "qty": 1}]);
    for entry in [
        json!({"op": "reserve", "event": "default", "qty": 1, "key": "r"}),
        json!({"op": "hold", "event": "default", "items": items, "key": "h"}),
    ] {
        let refused = batch(&inside, "/api/v1/internal/batch", entry).await;
        assert_eq!((&refused["status"], &refused["code"]), (&json!(403), &json!("pass_required")));
    }
    // The event exists already, so the door may know it as it was for a moment.
    super::until("the door knows the waiting room", async || {
        system.client().get("/api/v1/events/default").await.json()["queue"].is_object()
    })
    .await;
    let own = Customer::join(&system.client(), "default", "own").await;
    let pass = own.pass().await;
    // The seller and administrators have no pass either.
    let sold = inside.seller("/api/v1/reserve", &[], json!({"qty": 1})).await;
    assert_problem(&sold, 403, "pass_required");
    let sold = buy(&inside, "/api/v1/reserve", &[("queue-pass", &pass)]).await;
    assert_eq!((sold.status, &sold.json()["success"]), (200, &json!(true)), "{}", sold.json());
    assert_eq!(inside.available().await, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn events_without_a_waiting_room_need_no_pass() {
    for mode in Mode::BOTH {
        let system = System::start(mode, &[]).await;
        let (client, admin) = (system.client(), system.admin());
        put_line(&admin, EVENT, 5, &json!({})).await;
        assert_eq!(admin.put_event("free", json!({"stocks": {"general": 5}})).await.status, 201);
        super::until("the event is known", async || {
            client.get("/api/v1/events/free").await.status == 200
        })
        .await;
        for headers in [&[][..], &[("queue-pass", "a.b.c")]] {
            assert_eq!(hold(&client, "free", headers, 1).await.status, 201, "{mode:?}");
            assert_eq!(buy(&client, "/api/v1/purchase", headers).await.status, 200);
        }
        let event = client.get("/api/v1/events/free").await.json();
        assert!(event.get("queue").is_none(), "{event}");
        assert_problem(&hold(&client, EVENT, &[], 1).await, 403, "pass_required");
        // Without its waiting room, the event sells to everyone again.
        assert_eq!(admin.put_event(EVENT, json!({"stocks": {"general": 5}})).await.status, 200);
        assert_eq!(hold(&client, EVENT, &[], 1).await.status, 201);
    }
}
