//! Waiting lists, in both deployments.

use reqwest::Method;
use serde_json::{Value, json};
use system_tests::{Answer, Client};

use crate::{
    queue::{
        assert_problem, records,
        system::{Mode, System},
        until,
    },
    webhooks::receiver::{Receiver, SECRET},
};

const LIST: &str = "/api/v1/events/gala/waitlist";
const OPEN: [(&str, &str); 2] = [("WEBHOOK_ALLOW_HTTP", "true"), ("WEBHOOK_ALLOW_PRIVATE", "true")];

/// An event with a waiting list, all of whose tickets are in the returned hold.
async fn sold_out(system: &System, qty: u64, settings: &Value) -> String {
    let mut put = json!({"stocks": {"general": qty}, "return_mode": "list"});
    put.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
    let put = system.admin().put_event("gala", put).await;
    assert_eq!(put.status, 201, "{}", put.json());
    let all = json!({"event": "gala", "items": items(qty)});
    until("the event is known", async || {
        system.client().get("/api/v1/events/gala").await.status == 200
    })
    .await;
    let hold = system.client().post("/api/v1/holds", all).await;
    assert_eq!(hold.status, 201, "{}", hold.json());
    id(&hold)
}

fn items(qty: u64) -> Value {
    json!([{"stock": "general", "qty": qty}])
}

fn id(answer: &Answer) -> String {
    answer.json()["id"].as_str().unwrap().to_owned()
}

async fn wait_for(client: &Client, key: &str, qty: u64) -> Answer {
    client.keyed(LIST, key, json!({"items": items(qty), "customer": key})).await.unwrap()
}

async fn state(client: &Client, hold: &str) -> Value {
    client.get(&format!("/api/v1/holds/{hold}")).await.json()["state"].clone()
}

async fn leave(client: &Client, entry: &str) -> Answer {
    client.delete(&format!("{LIST}/{entry}")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_released_is_held_for_who_waits() {
    for mode in Mode::BOTH {
        let receiver = Receiver::start().await;
        let mut system = System::start(mode, &OPEN).await;
        let hook = json!({
            "url": receiver.url(),
            "secret": SECRET,
            "types": ["io.ticket-system.ledger.hold_offered"],
        });
        let path = "/api/v1/admin/webhooks/shop";
        let put = system.admin().admin(Method::PUT, path, &[], Some(hook)).await;
        assert_eq!(put.status, 201, "{}", put.json());
        let hold = sold_out(&system, 4, &json!({})).await;
        let client = system.client();
        let joined = wait_for(&client, "ann", 3).await;
        assert_eq!((joined.status, &joined.json()["state"]), (201, &json!("waiting")));
        let ann = id(&joined);
        assert_eq!(joined.header("location"), format!("/api/v1/holds/{ann}"));
        // A crash changes nothing, nor does a retry.
        system.kill_all().await;
        let client = system.client();
        let again = wait_for(&client, "ann", 3).await;
        assert_eq!((again.status, &again.bytes), (201, &joined.bytes), "{mode:?}");
        assert_eq!(state(&client, &ann).await, "waiting");
        assert_problem(&wait_for(&client, "ann", 2).await, 422, "idempotency_key_reused");
        let released = client.delete(&format!("/api/v1/holds/{hold}")).await;
        assert_eq!(released.status, 204);
        assert_eq!(state(&client, &ann).await, "held", "in the same commit");
        let (released, offered) =
            (records(&system.admin(), "gala", "released").await, offers(&system).await);
        assert_eq!(released.len(), 1);
        assert_eq!(offered.len(), 1);
        let seq = |record: &Value| record["seq"].as_u64().unwrap();
        assert_eq!(seq(&offered[0]), seq(&released[0]) + 1, "nothing comes between them");
        until("the shop learns it", async || !receiver.accepted().is_empty()).await;
        let message = receiver.accepted()[0].event["data"].clone();
        assert_eq!((&message["hold"], &message["customer"]), (&json!(ann), &json!("ann")));
        // It is a hold like any other.
        assert_problem(&leave(&client, &ann).await, 409, "hold_offered");
        let confirm = format!("/api/v1/holds/{ann}/confirm");
        assert_eq!(client.post(&confirm, json!({})).await.status, 200);
        assert_eq!(state(&client, &ann).await, "confirmed");
        verify(&mut system).await;
    }
}

async fn offers(system: &System) -> Vec<Value> {
    records(&system.admin(), "gala", "hold_offered").await
}

/// Checks all of the ledger with the command.
async fn verify(system: &mut System) {
    let data = system.data();
    system.stop().await;
    let output = crate::verify::command(&["verify"], &data).await;
    assert!(output.status.success(), "{}", crate::verify::output_text(&output));
}

#[tokio::test(flavor = "multi_thread")]
async fn offer_that_expires_goes_to_the_next() {
    for mode in Mode::BOTH {
        let mut system = System::start(mode, &[]).await;
        let hold = sold_out(&system, 2, &json!({"offer_ttl_s": 2})).await;
        let client = system.client();
        let first = id(&wait_for(&client, "first", 2).await);
        let second = id(&wait_for(&client, "second", 1).await);
        client.delete(&format!("/api/v1/holds/{hold}")).await;
        assert_eq!(state(&client, &first).await, "held");
        assert_eq!(state(&client, &second).await, "waiting", "the first has all of it");
        until("the second gets it", async || state(&client, &second).await == "held").await;
        let of = offers(&system).await;
        assert_eq!(
            of.iter().map(|record| record["hold"].clone()).collect::<Vec<_>>(),
            [json!(first), json!(second)]
        );
        verify(&mut system).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_leaves_gets_nothing() {
    for mode in Mode::BOTH {
        let system = System::start(mode, &[]).await;
        let hold = sold_out(&system, 2, &json!({})).await;
        let client = system.client();
        let gone = id(&wait_for(&client, "gone", 2).await);
        let stays = id(&wait_for(&client, "stays", 2).await);
        assert_eq!(leave(&client, &gone).await.status, 204);
        assert_eq!(leave(&client, &gone).await.status, 204, "a repeated call changes nothing");
        client.delete(&format!("/api/v1/holds/{hold}")).await;
        assert_eq!(state(&client, &stays).await, "held");
        assert_eq!(offers(&system).await.len(), 1);
        let other = "/api/v1/events/default/waitlist";
        assert_problem(&client.delete(&format!("{other}/{stays}")).await, 404, "hold_not_found");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_name_their_reason() {
    for mode in Mode::BOTH {
        let system = System::start(mode, &[("MAX_WAITLIST", "1")]).await;
        let hold = sold_out(&system, 2, &json!({})).await;
        let client = system.client();
        assert_problem(&wait_for(&client, "more than there are", 3).await, 409, "sold_out");
        assert_eq!(wait_for(&client, "one", 2).await.status, 201);
        assert_problem(&wait_for(&client, "two", 1).await, 409, "waitlist_full");
        assert_eq!(wait_for(&client, "one", 2).await.status, 201, "it has its entry");
        for body in [json!({}), json!({"items": items(0)}), json!({"items": items(1), "x": 1})] {
            assert_problem(&client.post(LIST, body).await, 422, "validation");
        }
        client.delete(&format!("/api/v1/holds/{hold}")).await;
        let body = json!({"items": items(1)});
        let none = client.post("/api/v1/events/default/waitlist", body.clone()).await;
        assert_problem(&none, 409, "waitlist_closed");
        let unknown = client.post("/api/v1/events/unheard-of/waitlist", body).await;
        assert_problem(&unknown, 404, "event_not_found");
        let more = json!({"stocks": {"general": 5}, "return_mode": "list"});
        assert_eq!(system.admin().put_event("gala", more).await.status, 200);
        assert_problem(&wait_for(&client, "three", 1).await, 409, "available");
    }
}
