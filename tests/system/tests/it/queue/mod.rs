//! Waiting rooms: in one process, in two services, and on a shared database.

mod addresses;
mod beacon;
mod command;
mod crash;
mod documents;
mod join;
mod keys;
mod passes;
mod pause;
mod replicas;
mod sales;
mod stream;
pub mod system;
mod tampering;

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use system_tests::{Answer, Client};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use self::system::{Mode, System};

const EVENT: &str = "gala";

/// Waits until `condition` holds.
pub async fn until(what: &str, condition: impl AsyncFn() -> bool) {
    system_tests::until(what, Duration::from_secs(60), condition).await;
}

/// The time in so many milliseconds, as the API has it.
fn in_ms(ms: i64) -> String {
    let time = OffsetDateTime::now_utc() + time::Duration::milliseconds(ms);
    time.format(&Rfc3339).unwrap()
}

/// Settings of a waiting room that is open, with these members.
fn open_queue(more: &Value) -> Value {
    let mut queue = json!({"opens_at": "2020-01-01T00:00:00Z"});
    queue.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    queue
}

/// An event with a waiting room in which people are called in the order of joining.
async fn put_line(admin: &Client, event: &str, qty: u64, queue: &Value) {
    let put = json!({"stocks": {"general": qty}, "queue": open_queue(queue)});
    let put = admin.put_event(event, put).await;
    assert!(matches!(put.status, 200 | 201), "{}", put.json());
}

/// Long enough for all who want to join, milliseconds.
const FAR: i64 = 3_600_000;
/// Until a draw ends that everybody has joined, milliseconds.
const SOON: i64 = 300;

/// An event whose draw ends in so many milliseconds. Who has joined keeps the place when it is
/// moved, so that a test need not hurry: it moves the draw from [`FAR`] to [`SOON`].
async fn put_draw(admin: &Client, event: &str, qty: u64, opens_in_ms: i64, queue: &Value) {
    let mut queue = open_queue(queue);
    queue["draw"] = json!(true);
    let opens_at = in_ms(opens_in_ms);
    let put = json!({"stocks": {"general": qty}, "opens_at": opens_at, "queue": queue});
    let put = admin.put_event(event, put).await;
    assert!(matches!(put.status, 200 | 201), "{}", put.json());
}

/// Someone who wants tickets of an event.
#[derive(Clone)]
struct Customer {
    client: Client,
    event: String,
    key: String,
    place: String,
}

impl Customer {
    /// A new place.
    async fn join(client: &Client, event: &str, key: &str) -> Self {
        let joined = join(client, event, key).await;
        assert_eq!(joined.status, 201, "{}", joined.json());
        let place = joined.json()["place"].as_str().unwrap().to_owned();
        Self { client: client.clone(), event: event.to_owned(), key: key.to_owned(), place }
    }

    /// So many new places.
    async fn crowd(client: &Client, event: &str, count: usize) -> Vec<Self> {
        let keys: Vec<_> = (0..count).map(|number| format!("key-{number}")).collect();
        let joins = keys.iter().map(|key| Self::join(client, event, key));
        futures::future::join_all(joins).await
    }

    fn path(&self, call: &str) -> String {
        format!("/api/v1/events/{}/queue/{call}", self.event)
    }

    async fn status(&self) -> Value {
        let read = place(&self.client, &self.event, &self.place).await;
        assert_eq!(read.status, 200, "{}", read.json());
        read.json()
    }

    async fn claim(&self) -> Answer {
        claim(&self.client, &self.event, &self.place).await
    }

    /// Waits for the turn, and claims the pass.
    async fn pass(&self) -> String {
        until(&format!("{} is called", self.key), async || {
            self.status().await["state"] == "called"
        })
        .await;
        let claimed = self.claim().await;
        assert_eq!(claimed.status, 201, "{}", claimed.json());
        claimed.json()["pass"].as_str().unwrap().to_owned()
    }

    /// Waits for the turn, and holds so many tickets.
    async fn hold(&self, qty: u64) -> Answer {
        let pass = self.pass().await;
        let made = hold(&self.client, &self.event, &[("queue-pass", &pass)], qty).await;
        assert_eq!(made.status, 201, "{}", made.json());
        made
    }

    async fn proof(&self) -> Answer {
        self.client.get(&self.path(&format!("proof?place={}", self.place))).await
    }
}

async fn join(client: &Client, event: &str, key: &str) -> Answer {
    client.keyed(&format!("/api/v1/events/{event}/queue"), key, json!({})).await.unwrap()
}

async fn place(client: &Client, event: &str, place: &str) -> Answer {
    let path = format!("/api/v1/events/{event}/queue/place");
    client.call(Method::GET, &path, &[("queue-place", place)], None).await.unwrap()
}

async fn claim(client: &Client, event: &str, place: &str) -> Answer {
    let path = format!("/api/v1/events/{event}/queue/pass");
    client.call(Method::POST, &path, &[("queue-place", place)], None).await.unwrap()
}

async fn hold(client: &Client, event: &str, headers: &[(&str, &str)], qty: u64) -> Answer {
    let body = json!({"event": event, "items": [{"stock": "general", "qty": qty}]});
    client.call(Method::POST, "/api/v1/holds", headers, Some(body)).await.unwrap()
}

/// Stops the calls of all waiting rooms, or lets them go on.
async fn set_paused(admin: &Client, verb: &str) {
    let path = format!("/api/v1/admin/queues/{verb}");
    assert_eq!(admin.admin(Method::POST, &path, &[], None).await.status, 200);
}

/// The draw as it is published.
async fn draw(client: &Client, event: &str) -> Value {
    let read = client.get(&format!("/api/v1/events/{event}/queue/draw")).await;
    assert_eq!(read.status, 200, "{}", read.json());
    read.json()
}

async fn until_revealed(client: &Client, event: &str) -> Value {
    until("the draw is revealed", async || draw(client, event).await["revealed"].is_object()).await;
    draw(client, event).await
}

/// The records of these kinds in the ledger of `event`.
pub async fn records(admin: &Client, event: &str, kind: &str) -> Vec<Value> {
    let ledger = admin.ledger(event).await;
    let of_kind = ledger.into_iter().map(|record| record["data"].clone());
    of_kind.filter(|record| record["kind"] == kind).collect()
}

/// Checks an answer's status and problem code.
#[track_caller]
pub fn assert_problem(answer: &Answer, status: u16, code: &str) {
    assert_eq!((answer.status, answer.problem().as_str()), (status, code), "{}", answer.json());
}
