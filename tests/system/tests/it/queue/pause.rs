//! Pausing, and who may.

use reqwest::Method;
use serde_json::{Value, json};
use system_tests::{Answer, Client, GATE_TOKEN, SELLER_TOKEN};

use super::{
    Customer, EVENT, Mode, System, assert_problem, documents::verify_ledger, put_line, records,
    until,
};

async fn post(admin: &Client, path: &str) -> Answer {
    admin.admin(Method::POST, path, &[], None).await
}

fn one(event: &str, verb: &str) -> String {
    format!("/api/v1/admin/events/{event}/queue/{verb}")
}

#[tokio::test(flavor = "multi_thread")]
async fn paused_waiting_room_calls_nobody_and_passes_stay_valid() {
    for mode in Mode::BOTH {
        let system = System::start(mode, &[]).await;
        let (client, admin) = (system.client(), system.admin());
        put_line(&admin, EVENT, 10, &json!({})).await;
        let first = Customer::join(&client, EVENT, "first").await;
        until("the place is called", async || first.status().await["state"] == "called").await;
        let paused = post(&admin, &one(EVENT, "pause")).await;
        assert_eq!(paused.status, 200, "{}", paused.json());
        let body = paused.json();
        assert_eq!((&body["event"], &body["paused"]), (&json!(EVENT), &json!(true)));
        assert_eq!(paused.header("event-seq"), body["seq"].to_string());
        let again = post(&admin, &one(EVENT, "pause")).await;
        assert_eq!((again.status, &again.json()["paused"]), (200, &json!(true)));
        let second = Customer::join(&client, EVENT, "second").await;
        // Longer than the time between two looks.
        tokio::time::sleep(std::time::Duration::from_millis(1_500)).await;
        assert_eq!(second.status().await["state"], "waiting", "{mode:?}");
        first.hold(1).await;
        let resumed = post(&admin, &one(EVENT, "resume")).await;
        assert_eq!((resumed.status, &resumed.json()["paused"]), (200, &json!(false)));
        second.hold(1).await;
        let written = records(&admin, EVENT, "queue_paused").await;
        let written: Vec<_> =
            written.iter().map(|record| record["queue"]["paused"].clone()).collect();
        assert_eq!(written, [json!(true), json!(false)], "a repeated call writes nothing");
        assert_eq!(verify_ledger(system.inside(), EVENT).await.holds, 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_call_pauses_all_waiting_rooms() {
    let system = System::start(Mode::Services, &[]).await;
    let (client, admin) = (system.client(), system.admin());
    for event in [EVENT, "opera"] {
        put_line(&admin, event, 10, &json!({})).await;
    }
    let states = async |verb: &str| {
        let all = post(&admin, &format!("/api/v1/admin/queues/{verb}")).await;
        assert_eq!(all.status, 200, "{}", all.json());
        let all = all.json()["queues"].as_array().unwrap().clone();
        let mut all: Vec<_> = all
            .iter()
            .map(|queue| {
                (queue["event"].as_str().unwrap().to_owned(), queue["paused"].as_bool().unwrap())
            })
            .collect();
        all.sort();
        all
    };
    let both = |paused| vec![(EVENT.to_owned(), paused), ("opera".to_owned(), paused)];
    assert_eq!(states("pause").await, both(true));
    let waiting = Customer::join(&client, "opera", "k").await;
    tokio::time::sleep(std::time::Duration::from_millis(1_200)).await;
    assert_eq!(waiting.status().await["state"], "waiting");
    let read = admin.admin(Method::GET, "/api/v1/admin/events/opera", &[], None).await;
    assert_eq!(read.status, 200);
    assert_eq!(states("resume").await, both(false));
    waiting.hold(1).await;
    assert_problem(&post(&admin, &one("default", "pause")).await, 404, "queue_not_found");
    assert_problem(&post(&admin, &one("unheard-of", "resume")).await, 404, "event_not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn administrators_alone_may_pause() {
    for mode in Mode::BOTH {
        let system = System::start(mode, &[]).await;
        let admin = system.admin();
        put_line(&admin, EVENT, 10, &json!({})).await;
        let (seller, gate) = (format!("Bearer {SELLER_TOKEN}"), format!("Bearer {GATE_TOKEN}"));
        for path in [
            one(EVENT, "pause"),
            one(EVENT, "resume"),
            "/api/v1/admin/queues/pause".to_owned(),
            "/api/v1/admin/queues/resume".to_owned(),
        ] {
            for (token, status, code) in [
                ("", 401, "unauthorized"),
                ("Bearer somebody-elses-token", 403, "forbidden"),
                (seller.as_str(), 403, "forbidden"),
                (gate.as_str(), 403, "forbidden"),
            ] {
                let headers = [("authorization", token)];
                let headers = if token.is_empty() { &[][..] } else { &headers };
                let refused = admin.call(Method::POST, &path, headers, None).await.unwrap();
                assert_problem(&refused, status, code);
            }
            if mode == Mode::Services {
                let of_door = post(&system.client(), &path).await;
                assert_eq!(of_door.status, 404, "{path} is not public");
            }
            assert_eq!(admin.get(&path).await.status, 405);
        }
        let none: Vec<Value> = records(&admin, EVENT, "queue_paused").await;
        assert!(none.is_empty(), "{none:?}");
    }
}
