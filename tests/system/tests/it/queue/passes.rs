//! Places, passes and the holds made with them.

use serde_json::json;
use system_tests::Client;

use super::{
    Customer, EVENT, Mode, System, assert_problem, claim, hold, place, put_line, set_paused, until,
};

/// `token` with one character of its signature changed: one of those whose bits all count.
fn forged(token: &str) -> String {
    let at = token.rfind('.').unwrap() + 10;
    let other = if &token[at..=at] == "A" { "B" } else { "A" };
    format!("{}{other}{}", &token[..at], &token[at + 1..])
}

#[tokio::test(flavor = "multi_thread")]
async fn place_is_one_of_this_waiting_room_or_401() {
    for mode in Mode::BOTH {
        let system = System::start(mode, &[]).await;
        let (client, admin) = (system.client(), system.admin());
        for event in [EVENT, "opera", "again"] {
            put_line(&admin, event, 10, &json!({})).await;
        }
        let own = Customer::join(&client, EVENT, "own").await;
        let other = Customer::join(&client, "opera", "own").await;
        let earlier = Customer::join(&client, "again", "own").await;
        // The event gets another waiting room.
        assert_eq!(admin.put_event("again", json!({"stocks": {"general": 10}})).await.status, 200);
        put_line(&admin, "again", 10, &json!({})).await;
        let pass = own.pass().await;
        for (event, token) in [
            (EVENT, other.place.as_str()),
            (EVENT, &forged(&own.place)),
            (EVENT, &pass),
            (EVENT, ""),
            (EVENT, "a.b.c"),
            (EVENT, &own.place[1..]),
            (EVENT, &"x".repeat(3_000)),
            ("again", &earlier.place),
        ] {
            assert_problem(&place(&client, event, token).await, 401, "place_invalid");
            assert_problem(&claim(&client, event, token).await, 401, "place_invalid");
        }
        for path in ["queue/place", "queue/pass"] {
            let path = format!("/api/v1/events/{EVENT}/{path}");
            let method = if path.ends_with("pass") { "POST" } else { "GET" };
            let missing = client.call(method.parse().unwrap(), &path, &[], None).await.unwrap();
            assert_problem(&missing, 401, "place_invalid");
        }
        assert_problem(&place(&client, "default", &own.place).await, 404, "queue_not_found");
        assert_problem(&claim(&client, "unheard-of", &own.place).await, 404, "event_not_found");
        assert_eq!(own.status().await["state"], "called");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pass_is_claimed_once_and_after_the_call() {
    for mode in Mode::BOTH {
        let system = System::start(mode, &[]).await;
        let (client, admin) = (system.client(), system.admin());
        put_line(&admin, EVENT, 10, &json!({"claim_ttl_s": 300, "pass_ttl_s": 120})).await;
        set_paused(&admin, "pause").await;
        let own = Customer::join(&client, EVENT, "own").await;
        let refused = own.claim().await;
        assert_problem(&refused, 409, "not_called");
        assert!(!refused.header("retry-after").is_empty());
        assert_eq!(own.status().await, json!({"n": 1, "state": "waiting", "ahead": 0}));
        set_paused(&admin, "resume").await;
        until("the place is called", async || own.status().await["state"] == "called").await;
        let first = own.claim().await;
        assert_eq!(first.status, 201, "{}", first.json());
        let body = first.json();
        assert_eq!(body.as_object().unwrap().len(), 2, "{body}");
        let again = own.claim().await;
        assert_eq!((again.status, &again.bytes), (201, &first.bytes), "{mode:?}");
        let status = own.status().await;
        assert_eq!((&status["state"], &status["until"]), (&json!("called"), &body["expires_at"]));
        let pass = body["pass"].as_str().unwrap();
        assert_eq!(hold(&client, EVENT, &[("queue-pass", pass)], 1).await.status, 201);
        assert_eq!(own.status().await, json!({"n": 1, "state": "done", "ahead": 0}));
        let again = own.claim().await;
        assert_eq!((again.status, &again.bytes), (201, &first.bytes), "also when it is spent");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hold_needs_a_pass_and_spends_it() {
    for mode in Mode::BOTH {
        let system = System::start(mode, &[]).await;
        let (client, admin) = (system.client(), system.admin());
        for event in [EVENT, "opera"] {
            put_line(&admin, event, 10, &json!({})).await;
        }
        let own = Customer::join(&client, EVENT, "own").await;
        let other = Customer::join(&client, "opera", "own").await;
        let (pass, of_other) = (own.pass().await, other.pass().await);
        let with = async |pass: &str| hold(&client, EVENT, &[("queue-pass", pass)], 1).await;
        assert_problem(&hold(&client, EVENT, &[], 1).await, 403, "pass_required");
        for wrong in ["", "a.b.c", &of_other, &forged(&pass), &own.place] {
            assert_problem(&with(wrong).await, 403, "pass_required");
        }
        // A refusal spends no pass.
        let much = hold(&client, EVENT, &[("queue-pass", &pass)], 11).await;
        assert_eq!(much.status, 409, "{}", much.json());
        let headers = [("queue-pass", pass.as_str()), ("idempotency-key", "order")];
        let made = hold(&client, EVENT, &headers, 2).await;
        assert_eq!(made.status, 201, "{}", made.json());
        let again = hold(&client, EVENT, &headers, 2).await;
        assert_eq!((again.status, &again.bytes), (201, &made.bytes), "{mode:?}");
        assert_problem(&with(&pass).await, 403, "pass_spent");
        let left = client.get("/api/v1/events/gala").await.json()["stocks"]["general"].clone();
        assert_eq!((&left["available"], &left["held"]), (&json!(8), &json!(2)));
        confirm_and_release(&client, made.header("location")).await;
    }
}

/// What comes after the hold needs no pass.
async fn confirm_and_release(client: &Client, hold: &str) {
    let extended = client.post(&format!("{hold}/extend"), json!({"ttl_s": 300})).await;
    assert_eq!(extended.status, 200, "{}", extended.json());
    let confirmed = client.post(&format!("{hold}/confirm"), json!({"payment_ref": "p"})).await;
    assert_eq!(confirmed.status, 200, "{}", confirmed.json());
}

#[tokio::test(flavor = "multi_thread")]
async fn retry_with_the_key_gets_its_hold_after_a_crash() {
    for mode in Mode::BOTH {
        let mut system = System::start(mode, &[]).await;
        put_line(&system.admin(), EVENT, 10, &json!({})).await;
        let mut own = Customer::join(&system.client(), EVENT, "own").await;
        let pass = own.pass().await;
        let headers = [("queue-pass", pass.as_str()), ("idempotency-key", "order")];
        let made = hold(&system.client(), EVENT, &headers, 2).await;
        assert_eq!(made.status, 201, "{}", made.json());
        system.kill_all().await;
        own.client = system.client();
        let again = hold(&own.client, EVENT, &headers, 2).await;
        assert_eq!((again.status, &again.bytes), (201, &made.bytes), "{mode:?}");
        let other = [("queue-pass", pass.as_str()), ("idempotency-key", "another")];
        assert_problem(&hold(&own.client, EVENT, &other, 2).await, 403, "pass_spent");
        assert_eq!(own.status().await["state"], "done");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn missed_turn_lapses_and_lets_the_next_one_in() {
    let system = System::start(Mode::Services, &[]).await;
    let (client, admin) = (system.client(), system.admin());
    put_line(&admin, EVENT, 1, &json!({"claim_ttl_s": 1, "pass_ttl_s": 1})).await;
    let first = Customer::join(&client, EVENT, "first").await;
    until("the turn lapses", async || first.status().await["state"] == "expired").await;
    let second = Customer::join(&client, EVENT, "second").await;
    let pass = second.pass().await;
    until("the pass expires", async || second.status().await["state"] == "expired").await;
    let late = hold(&client, EVENT, &[("queue-pass", &pass)], 1).await;
    assert_problem(&late, 403, "pass_spent");
    // There is room again, also for who missed the turn.
    until("there is room", async || first.claim().await.status == 201).await;
    let claimed = first.claim().await;
    let pass = claimed.json()["pass"].as_str().unwrap().to_owned();
    assert_eq!(hold(&client, EVENT, &[("queue-pass", &pass)], 1).await.status, 201);
}
