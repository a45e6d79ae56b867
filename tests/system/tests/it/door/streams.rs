//! Server-sent events, at the door and in the monolith.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use system_tests::{Client, Process};
use tokio::time::timeout;

use super::{Pair, hold, metric, until};

/// A stream, read event by event.
pub struct Events {
    response: reqwest::Response,
    text: String,
}

impl Events {
    async fn open(client: &Client, event: &str, headers: &[(&str, &str)]) -> Self {
        Self::at(client, &format!("/api/v1/events/{event}/stream"), headers).await
    }

    /// The stream at `path`.
    pub async fn at(client: &Client, path: &str, headers: &[(&str, &str)]) -> Self {
        let url = format!("{}{path}", client.base());
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let request = headers
            .iter()
            .fold(http.get(url), |request, (name, value)| request.header(*name, *value));
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert!(response.headers().get("content-encoding").is_none());
        Self { response, text: String::new() }
    }

    /// The next block of lines; `None` at the end.
    async fn block(&mut self) -> Option<String> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.text = rest;
                return Some(block);
            }
            let chunk = timeout(Duration::from_secs(20), self.response.chunk()).await;
            let chunk = chunk.expect("20 s without a word").ok()??;
            self.text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    /// The next event: its id and its data.
    pub async fn event(&mut self) -> Option<(u64, Value)> {
        loop {
            let block = self.block().await?;
            let Some((id, data)) = block.split_once("\ndata: ") else { continue };
            let id = id.strip_prefix("id: ").unwrap().parse().unwrap();
            return Some((id, serde_json::from_str(data).unwrap()));
        }
    }

    /// Events until one has `available`, and how many there were.
    async fn until_available(&mut self, available: u64) -> usize {
        let (mut events, mut last) = (0, 0);
        loop {
            let (id, data) = self.event().await.expect("the stream goes on");
            assert_eq!(data["seq"], id);
            assert!(id > last, "{id} after {last}");
            (events, last) = (events + 1, id);
            if data["stocks"]["general"]["available"] == available {
                return events;
            }
        }
    }
}

async fn follows_the_sale(client: &Client) {
    let mut events = Events::open(client, "default", &[("accept-encoding", "gzip")]).await;
    assert!(events.block().await.unwrap().starts_with("retry: "));
    let (id, data) = events.event().await.unwrap();
    assert_eq!((id, data), (1, client.get("/api/v1/events/default").await.json()));
    let started = Instant::now();
    for _ in 0..200 {
        assert_eq!(client.post("/api/v1/purchase", json!({"qty": 1})).await.status, 200);
    }
    let seen = events.until_available(800).await;
    let most = started.elapsed().as_millis() as usize / 200 + 2;
    assert!(seen <= most, "{seen} events in {:?}", started.elapsed());

    // The last state that was seen is not repeated, and the next one is not missed.
    let seq = client.get("/api/v1/events/default").await.json()["seq"].to_string();
    let mut again = Events::open(client, "default", &[("last-event-id", &seq)]).await;
    let mut other = Events::open(client, "default", &[("last-event-id", "7")]).await;
    assert_eq!(other.event().await.unwrap().0.to_string(), seq);
    hold(client, 1).await;
    assert_eq!(again.until_available(799).await, 1);
    assert_eq!(other.until_available(799).await, 1);
    assert_eq!(events.until_available(799).await, 1);
}

#[tokio::test]
async fn stream_of_the_door_follows_the_sale() {
    follows_the_sale(&Pair::start(&[("INITIAL_STOCK", "1000")]).await.door()).await;
}

#[tokio::test]
async fn stream_of_the_monolith_follows_the_sale() {
    let dir = tempfile::tempdir().unwrap();
    let monolith = Process::monolith(dir.path(), &[("INITIAL_STOCK", "1000")]).await;
    follows_the_sale(&monolith.client()).await;
}

#[tokio::test]
async fn silence_is_broken_and_a_deleted_event_ends_its_stream() {
    let pair = Pair::start(&[]).await;
    assert_eq!(
        pair.inside().put_event("gala", json!({"stocks": {"general": 7}})).await.status,
        201
    );
    let mut events = Events::open(&pair.door(), "gala", &[]).await;
    assert_eq!(events.event().await.unwrap().0, 1);
    let started = Instant::now();
    assert_eq!(events.block().await.unwrap(), ":");
    assert!(started.elapsed() > Duration::from_secs(14), "{:?}", started.elapsed());
    let path = "/api/v1/admin/events/gala";
    pair.inside().admin(reqwest::Method::DELETE, path, &[], None).await;
    assert!(events.event().await.is_none());
    assert_eq!(pair.door().get("/api/v1/events/gala/stream").await.status, 404);
    assert_eq!(pair.door().get("/api/v1/events/unheard-of/stream").await.status, 404);
    until("no stream is open", async || metric(&pair.ticket, "http_streams_open").await == 0.0)
        .await;
}

#[tokio::test]
async fn streams_are_bounded() {
    let dir = tempfile::tempdir().unwrap();
    let monolith = Process::monolith(dir.path(), &[("MAX_STREAMS", "2")]).await;
    let client = monolith.client();
    let first = Events::open(&client, "default", &[]).await;
    let _second = Events::open(&client, "default", &[]).await;
    let refused = client.get("/api/v1/events/default/stream").await;
    assert_eq!((refused.status, refused.problem().as_str()), (503, "overloaded"));
    assert!(refused.header("retry-after").parse::<u32>().is_ok());
    assert_eq!(metric(&monolith, "http_streams_refused_total").await, 1.0);
    drop(first);
    // The service notices that a client is gone when it sends something.
    until("a place is free", async || {
        client.post("/api/v1/purchase", json!({"qty": 1})).await;
        metric(&monolith, "http_streams_open").await == 1.0
    })
    .await;
    Events::open(&client, "default", &[]).await;
}

#[tokio::test]
async fn open_streams_do_not_hold_a_shutdown_up() {
    let pair = Pair::start(&[]).await;
    let mut streams = Vec::new();
    for _ in 0..50 {
        streams.push(Events::open(&pair.door(), "default", &[]).await);
    }
    let started = Instant::now();
    let ended = tokio::spawn(pair.ticket.terminate());
    let mut waits = std::collections::BTreeSet::new();
    for stream in &mut streams {
        let mut last = String::new();
        while let Some(block) = stream.block().await {
            last = block;
        }
        let wait_ms: u32 = last.strip_prefix("retry: ").expect(&last).parse().unwrap();
        assert!((500..=5_000).contains(&wait_ms), "{wait_ms}");
        waits.insert(wait_ms);
    }
    assert!(waits.len() > 25, "clients do not come back in step: {waits:?}");
    assert!(started.elapsed() < Duration::from_secs(1), "streams end first");
    assert_eq!(ended.await.unwrap(), Some(0));
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
}
