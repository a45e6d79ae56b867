//! The stream that everybody in a waiting room follows.

use reqwest::Method;
use serde_json::{Value, json};
use system_tests::Client;

use super::{
    Customer, EVENT, FAR, Mode, SOON, System, assert_problem, draw, put_draw, put_line, set_paused,
};
use crate::door::streams::Events;

const PATH: &str = "/api/v1/events/gala/queue/stream";

/// Frames until one is `last`, all of them in order.
async fn frames_until(events: &mut Events, last: impl Fn(&Value) -> bool) -> Vec<(u64, Value)> {
    let mut frames: Vec<(u64, Value)> = Vec::new();
    loop {
        let (seq, frame) = events.event().await.expect("the stream goes on");
        assert!(frames.last().is_none_or(|(before, _)| seq >= *before), "{frames:?}");
        frames.push((seq, frame.clone()));
        if last(&frame) {
            return frames;
        }
    }
}

fn phases(frames: &[(u64, Value)]) -> Vec<String> {
    let mut phases: Vec<String> =
        frames.iter().map(|(_, frame)| frame["phase"].as_str().unwrap().to_owned()).collect();
    phases.dedup();
    phases
}

async fn release(client: &Client, hold: &str) {
    let released = client.call(Method::DELETE, hold, &[], None).await.unwrap();
    assert_eq!(released.status, 204);
}

#[tokio::test(flavor = "multi_thread")]
async fn frames_go_from_pre_to_sold_out_and_are_the_same_for_all() {
    for mode in Mode::BOTH {
        let system = System::start(mode, &[]).await;
        let (client, admin) = (system.client(), system.admin());
        put_draw(&admin, EVENT, 2, FAR, &json!({})).await;
        super::until("the event is known", async || client.get(PATH).await.status == 200).await;
        let mut follower = Events::at(&client, PATH, &[]).await;
        let crowd = Customer::crowd(&client, EVENT, 2).await;
        put_draw(&admin, EVENT, 2, SOON, &json!({})).await;
        let mut frames = frames_until(&mut follower, |frame| frame["serving"] == 2).await;
        assert_eq!(phases(&frames)[0], "pre", "{frames:?}");
        assert_eq!(phases(&frames).last().unwrap(), "open", "{frames:?}");
        let members: Vec<_> = frames[0].1.as_object().unwrap().keys().cloned().collect();
        assert_eq!(
            members,
            ["eta_s", "in_baskets", "left", "paused", "phase", "serving", "waiting"]
        );
        // A new stream begins with the newest frame, byte for byte.
        let mut other = Events::at(&client, PATH, &[]).await;
        assert_eq!(other.event().await.unwrap(), *frames.last().unwrap());

        let baskets = [crowd[0].hold(1).await, crowd[1].hold(1).await];
        let none_left = |frame: &Value| frame["left"] == 0 && frame["in_baskets"] == 2;
        frames.extend(frames_until(&mut follower, none_left).await);
        assert_eq!(frames.last().unwrap().1["phase"], "open", "a basket may come back");
        frames_until(&mut other, none_left).await;
        release(&client, baskets[0].header("location")).await;
        frames_until(&mut follower, |frame| frame["left"] == 1).await;
        frames_until(&mut other, |frame| frame["left"] == 1).await;
        let late = Customer::join(&client, EVENT, "late").await;
        let last = late.hold(1).await;
        for hold in [&baskets[1], &last] {
            let confirm = format!("{}/confirm", hold.header("location"));
            assert_eq!(client.post(&confirm, json!({})).await.status, 200);
        }
        let sold_out = |frame: &Value| frame["phase"] == "sold_out";
        let end = frames_until(&mut follower, sold_out).await.pop().unwrap();
        assert_eq!(frames_until(&mut other, sold_out).await.pop().unwrap(), end, "{mode:?}");
        assert_eq!((&end.1["left"], &end.1["in_baskets"]), (&json!(0), &json!(0)));
        let closed = super::join(&client, EVENT, "too late").await;
        assert_problem(&closed, 409, "queue_closed");
        assert_eq!(super::join(&client, EVENT, "late").await.status, 201, "it has its place");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn drawing_is_shown_while_the_draw_waits() {
    // Nothing listens there: the draw waits for its beacon.
    let env = [("QUEUE_BEACON_URLS", "http://127.0.0.1:9"), ("QUEUE_BEACON_ALLOW_HTTP", "true")];
    let system = System::start(Mode::Services, &env).await;
    let client = system.client();
    put_draw(&system.admin(), EVENT, 2, FAR, &json!({})).await;
    super::until("the event is known", async || client.get(PATH).await.status == 200).await;
    let mut follower = Events::at(&client, PATH, &[]).await;
    let own = Customer::join(&client, EVENT, "own").await;
    put_draw(&system.admin(), EVENT, 2, SOON, &json!({})).await;
    let frames = frames_until(&mut follower, |frame| frame["phase"] == "drawing").await;
    assert_eq!(phases(&frames), ["pre", "drawing"]);
    let frame = &frames.last().unwrap().1;
    assert_eq!((&frame["serving"], &frame["waiting"]), (&json!(0), &json!(1)));
    assert_eq!(own.status().await, json!({"n": null, "state": "waiting", "ahead": null}));
    assert_problem(&own.claim().await, 409, "not_called");
    let late = super::join(&client, EVENT, "late").await;
    assert_eq!(late.json()["n"], 2, "it follows those who take part");
    assert_eq!(draw(&client, EVENT).await["frozen"]["n"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn paused_waiting_room_says_so_and_sale_opens_without_a_record() {
    for mode in Mode::BOTH {
        let system = System::start(mode, &[]).await;
        let (client, admin) = (system.client(), system.admin());
        let queue = super::open_queue(&json!({}));
        let opens_at = super::in_ms(2_500);
        let put = json!({"stocks": {"general": 5}, "opens_at": opens_at, "queue": queue});
        assert_eq!(admin.put_event(EVENT, put).await.status, 201);
        super::until("the event is known", async || client.get(PATH).await.status == 200).await;
        let mut follower = Events::at(&client, PATH, &[]).await;
        set_paused(&admin, "pause").await;
        frames_until(&mut follower, |frame| frame["paused"] == true).await;
        let own = Customer::join(&client, EVENT, "own").await;
        let frames = frames_until(&mut follower, |frame| frame["phase"] == "open").await;
        let (_, open) = frames.last().unwrap();
        assert_eq!((&open["serving"], &open["waiting"]), (&json!(0), &json!(1)), "{mode:?}");
        assert_eq!(own.status().await["state"], "waiting");
        set_paused(&admin, "resume").await;
        let frames = frames_until(&mut follower, |frame| frame["serving"] == 1).await;
        assert_eq!(frames.last().unwrap().1["paused"], false);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn stream_ends_with_the_event_and_needs_a_waiting_room() {
    for mode in Mode::BOTH {
        let system = System::start(mode, &[]).await;
        let (client, admin) = (system.client(), system.admin());
        put_line(&admin, EVENT, 5, &json!({})).await;
        super::until("the event is known", async || client.get(PATH).await.status == 200).await;
        let none = client.get("/api/v1/events/default/queue/stream").await;
        assert_problem(&none, 404, "queue_not_found");
        let none = client.get("/api/v1/events/unheard-of/queue/stream").await;
        assert_problem(&none, 404, "event_not_found");
        let mut follower = Events::at(&client, PATH, &[]).await;
        follower.event().await.unwrap();
        let path = format!("/api/v1/admin/events/{EVENT}");
        let deleted = admin.admin(Method::DELETE, &path, &[], None).await;
        assert_eq!(deleted.status, 204, "{}", deleted.json());
        assert!(follower.event().await.is_none(), "{mode:?}");
    }
}
