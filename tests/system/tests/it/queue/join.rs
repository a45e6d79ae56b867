//! Joining.

use reqwest::Method;
use serde_json::json;
use system_tests::Process;

use super::{
    Customer, EVENT, FAR, Mode, SOON, System, assert_problem, join, put_draw, put_line, records,
};

const PATH: &str = "/api/v1/events/gala/queue";

#[tokio::test(flavor = "multi_thread")]
async fn same_key_gets_the_same_place_also_after_a_crash() {
    for mode in Mode::BOTH {
        let mut system = System::start(mode, &[]).await;
        put_draw(&system.admin(), EVENT, 10, FAR, &json!({})).await;
        let first = join(&system.client(), EVENT, "one").await;
        assert_eq!(first.status, 201, "{mode:?}");
        let body = first.json();
        assert_eq!((&body["state"], &body["n"]), (&json!("waiting"), &json!(null)));
        assert_eq!(body.as_object().unwrap().len(), 3, "{body}");
        assert_eq!(body["place"].as_str().unwrap().split('.').count(), 3, "{body}");
        assert_eq!(first.header("idempotency-key"), "", "the caller knows it");
        let again = join(&system.client(), EVENT, "one").await;
        assert_eq!((again.status, &again.bytes), (201, &first.bytes));
        let other = join(&system.client(), EVENT, "two").await;
        assert_ne!(other.json()["place"], body["place"]);
        system.kill_all().await;
        let again = join(&system.client(), EVENT, "one").await;
        assert_eq!((again.status, &again.bytes), (201, &first.bytes), "{mode:?}");
        let read = super::place(&system.client(), EVENT, body["place"].as_str().unwrap()).await;
        assert_eq!(read.json(), json!({"n": null, "state": "waiting", "ahead": null}));
        let joined = records(&system.admin(), EVENT, "queue_joined").await;
        let leaves =
            joined.iter().map(|record| record["queue"]["leaves"].as_array().unwrap().len());
        assert_eq!(leaves.sum::<usize>(), 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn key_is_generated_and_returned_when_there_is_none() {
    for mode in Mode::BOTH {
        let system = System::start(mode, &[]).await;
        put_line(&system.admin(), EVENT, 10, &json!({})).await;
        // No body is as good as an empty one.
        let joined = system.client().call(Method::POST, PATH, &[], None).await.unwrap();
        assert_eq!(joined.status, 201);
        let key = joined.header("idempotency-key").to_owned();
        assert!(key.starts_with("\"place-") && key.ends_with('"'), "{key}");
        let again = join(&system.client(), EVENT, &key).await;
        assert_eq!((again.status, again.bytes), (201, joined.bytes));
        let other = system.client().post(PATH, json!({})).await;
        assert_ne!(other.header("idempotency-key"), key);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_name_their_reason() {
    for mode in Mode::BOTH {
        let system = System::start(mode, &[("QUEUE_PLACES_MAX", "3")]).await;
        let (client, admin) = (system.client(), system.admin());
        // In whole seconds, as the answer has it.
        let opens_at = "2099-01-01T00:00:00Z";
        let later = json!({"opens_at": opens_at, "draw": true});
        let put =
            json!({"stocks": {"general": 5}, "opens_at": "2099-01-02T00:00:00Z", "queue": later});
        assert_eq!(admin.put_event("later", put).await.status, 201);
        let early = join(&client, "later", "k").await;
        assert_problem(&early, 409, "queue_closed");
        assert_eq!(early.json()["opens_at"], opens_at, "{mode:?}");
        assert_problem(&join(&client, "default", "k").await, 404, "queue_not_found");
        assert_problem(&join(&client, "unheard-of", "k").await, 404, "event_not_found");
        put_line(&admin, EVENT, 10, &json!({})).await;
        let unknown = client.post(PATH, json!({"name": "Zoë"})).await;
        assert_problem(&unknown, 422, "validation");
        let long = "k".repeat(300);
        assert_problem(&join(&client, EVENT, &long).await, 400, "bad_request");
        for key in ["1", "2", "3"] {
            Customer::join(&client, EVENT, key).await;
        }
        assert_problem(&join(&client, EVENT, "4").await, 409, "queue_full");
        // Joins that arrive together share a write, and not each other's refusals.
        let together = (1..=40).map(|number| {
            let key = if number % 2 == 0 { "3".to_owned() } else { format!("new-{number}") };
            let client = &client;
            async move { (number % 2 == 0, join(client, EVENT, &key).await) }
        });
        for (is_known, joined) in futures::future::join_all(together).await {
            match is_known {
                true => assert_eq!(joined.status, 201, "it has its place: {}", joined.json()),
                false => assert_problem(&joined, 409, "queue_full"),
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn door_without_signing_keys_gives_no_places() {
    let dir = tempfile::tempdir().unwrap();
    // vacancy makes itself a key in DATA_DIR; ticket has no such directory.
    let vacancy = Process::vacancy(dir.path(), &[]).await;
    let ticket = Process::ticket(vacancy.base(), &[]).await;
    put_draw(&vacancy.client(), EVENT, 10, FAR, &json!({})).await;
    let door = ticket.client();
    super::until("the event is known", async || {
        door.get("/api/v1/events/gala").await.status == 200
    })
    .await;
    assert_problem(&join(&door, EVENT, "k").await, 503, "signing_keys_missing");
    let place = super::place(&door, EVENT, "a.b.c").await;
    assert_problem(&place, 503, "signing_keys_missing");
    assert_eq!(door.get("/api/v1/events/gala/queue/draw").await.status, 200, "it needs none");
    assert_eq!(records(&vacancy.client(), EVENT, "queue_joined").await.len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn late_place_has_its_turn_at_once() {
    for mode in Mode::BOTH {
        let system = System::start(mode, &[]).await;
        let queue = json!({"active_max": 1});
        put_draw(&system.admin(), EVENT, 10, FAR, &queue).await;
        let client = system.client();
        Customer::crowd(&client, EVENT, 5).await;
        put_draw(&system.admin(), EVENT, 10, SOON, &queue).await;
        super::until_revealed(&client, EVENT).await;
        let late = join(&client, EVENT, "late").await;
        assert_eq!((late.status, &late.json()["n"]), (201, &json!(6)), "{mode:?}");
        let place = Customer::join(&client, EVENT, "late").await;
        let status = place.status().await;
        assert_eq!((&status["n"], &status["state"]), (&json!(6), &json!("waiting")));
        let early = Customer::join(&client, EVENT, "key-0").await;
        let again = join(&client, EVENT, "key-0").await.json();
        assert_eq!(again["n"], early.status().await["n"], "the draw has given it a turn");
        assert!((1..=5).contains(&again["n"].as_u64().unwrap()), "{mode:?} {again}");
    }
}
