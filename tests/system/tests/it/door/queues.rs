//! Waiting rooms at the door and in the monolith.

use reqwest::Method;
use serde_json::{Value, json};
use signing::SigningKeys;
use system_tests::{Client, Process};

use super::{
    Pair, items,
    story::{Step, get, post, tell},
    until,
};

/// The calls of waiting rooms.
fn queue_story() -> Vec<Step> {
    let hold = |event: &str| json!({"event": event, "items": items(1)});
    let line = "/api/v1/events/line/queue";
    let place = "/api/v1/events/line/queue/place";
    let claim = "/api/v1/events/line/queue/pass";
    vec![
        post(line, json!({})).with("idempotency-key", "p").named("own"),
        post(line, json!({})).with("idempotency-key", "p"),
        post(line, Value::Null).with("idempotency-key", "p"),
        post(line, json!({"name": "x"})),
        post("/api/v1/events/default/queue", json!({})).with("idempotency-key", "p"),
        post("/api/v1/events/unheard-of/queue", json!({})).with("idempotency-key", "p"),
        post("/api/v1/events/closed/queue", json!({})).with("idempotency-key", "p"),
        get(place),
        get(place).with("queue-place", "a.b.c"),
        get(place).with("queue-place", "{own}"),
        get("/api/v1/events/lottery/queue/place").with("queue-place", "{own}"),
        post(claim, Value::Null),
        post(claim, Value::Null).with("queue-place", "a.b.c"),
        // The waiting room is paused.
        post(claim, Value::Null).with("queue-place", "{own}"),
        post("/api/v1/holds", hold("line")).with("idempotency-key", "q0"),
        post("/api/v1/holds", hold("line"))
            .with("queue-pass", "a.b.c")
            .with("idempotency-key", "q1"),
        get("/api/v1/events/line/queue/stream"),
        get("/api/v1/events/default/queue/stream"),
        get("/api/v1/events/line/queue/draw"),
        get("/api/v1/events/line/queue/leaves"),
        get("/api/v1/events/line/queue/proof?place={own}"),
        post("/api/v1/events/lottery/queue", json!({})).with("idempotency-key", "p").named("lot"),
        get("/api/v1/events/lottery/queue/place").with("queue-place", "{lot}"),
        post("/api/v1/events/lottery/queue/pass", Value::Null).with("queue-place", "{lot}"),
        get("/api/v1/events/lottery/queue/draw"),
        get("/api/v1/events/lottery/queue/leaves"),
        get("/api/v1/events/lottery/queue/leaves?limit=0"),
        get("/api/v1/events/lottery/queue/proof?place={lot}"),
        get("/api/v1/events/lottery/queue/proof"),
        // This place was called.
        post("/api/v1/events/called/queue", json!({})).with("idempotency-key", "p").named("first"),
        get("/api/v1/events/called/queue/place").with("queue-place", "{first}"),
        post("/api/v1/events/called/queue/pass", Value::Null)
            .with("queue-place", "{first}")
            .named("ticket"),
        post("/api/v1/events/called/queue/pass", Value::Null).with("queue-place", "{first}"),
        post("/api/v1/holds", hold("line"))
            .with("queue-pass", "{ticket}")
            .with("idempotency-key", "q2"),
        post("/api/v1/holds", hold("called"))
            .with("queue-pass", "{ticket}")
            .with("idempotency-key", "q3")
            .named("basket"),
        post("/api/v1/holds", hold("called"))
            .with("queue-pass", "{ticket}")
            .with("idempotency-key", "q3"),
        post("/api/v1/holds", hold("called"))
            .with("queue-pass", "{ticket}")
            .with("idempotency-key", "q4"),
        get("/api/v1/events/called/queue/place").with("queue-place", "{first}"),
        get("/api/v1/events/line"),
        get("/api/v1/events/called"),
    ]
}

/// The events with waiting rooms. One place of `called` is called, and then nobody is.
async fn prepare_queues(inside: &Client, door: &Client) {
    let opens_at = "2020-01-01T00:00:00Z";
    let queue = |draw: bool| json!({"opens_at": opens_at, "draw": draw, "pass_ttl_s": 900});
    let line = json!({"stocks": {"general": 9}, "queue": queue(false)});
    let later = "2099-01-01T00:00:00Z";
    let lottery = json!({"stocks": {"general": 9}, "opens_at": later, "queue": queue(true)});
    let closed = json!({"stocks": {"general": 9}, "queue": {"opens_at": later}});
    for (event, settings) in
        [("called", line.clone()), ("line", line), ("lottery", lottery), ("closed", closed)]
    {
        assert_eq!(inside.put_event(event, settings).await.status, 201);
    }
    until("the door knows all events", async || {
        door.get("/api/v1/events").await.json()["events"].as_array().unwrap().len() == 5
    })
    .await;
    let joined = door.keyed("/api/v1/events/called/queue", "p", json!({})).await.unwrap().json();
    let place = [("queue-place", joined["place"].as_str().unwrap())];
    until("the place is called", async || {
        let path = "/api/v1/events/called/queue/place";
        door.call(Method::GET, path, &place, None).await.unwrap().json()["state"] == "called"
    })
    .await;
    let pause = "/api/v1/admin/queues/pause";
    assert_eq!(inside.admin(Method::POST, pause, &[], None).await.status, 200);
    until("the pause is known", async || {
        let path = "/api/v1/events/lottery/queue/stream";
        let frame = door.get(path).await.bytes;
        String::from_utf8_lossy(&frame).contains("\"paused\":true")
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_rooms_of_the_door_answer_like_the_monolith() {
    let dir = tempfile::tempdir().unwrap();
    let keys = dir.path().join("keys.json");
    std::fs::write(&keys, SigningKeys::generate(rand::random())).unwrap();
    let env = [("SIGNING_KEYS_FILE", keys.to_str().unwrap())];
    let monolith = Process::monolith(&dir.path().join("data"), &env).await;
    let pair = Pair::start(&env).await;
    let (whole, door) = (monolith.client(), pair.door());
    for (inside, door) in [(&whole, &whole), (&pair.inside(), &door)] {
        prepare_queues(inside, door).await;
    }
    let expected = tell(&whole, queue_story()).await;
    let codes: std::collections::BTreeSet<_> = expected
        .iter()
        .filter_map(|(_, (.., body))| body["code"].as_str().map(ToOwned::to_owned))
        .collect();
    for met in [
        "draw_not_found",
        "not_called",
        "pass_required",
        "pass_spent",
        "place_invalid",
        "queue_closed",
        "queue_not_found",
    ] {
        assert!(codes.contains(met), "{met}: {codes:?}");
    }
    for ((what, expected), (_, answer)) in
        expected.into_iter().zip(tell(&door, queue_story()).await)
    {
        assert_eq!(answer, expected, "{what}");
    }
}
