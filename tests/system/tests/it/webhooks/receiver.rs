//! A receiver of webhooks, which checks what it gets.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use axum::{Router, body::Bytes, extract::State, http::HeaderMap, response::IntoResponse};
use serde_json::Value;
use tokio::{net::TcpListener, task::JoinHandle};

/// The secret of every receiver in these tests.
pub const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// A message that was accepted.
#[derive(Debug, Clone)]
pub struct Message {
    pub id: String,
    pub event: Value,
}

type Respond = dyn Fn(usize, &Message) -> u16 + Send + Sync;

/// What the receiver does with a call, and what it has accepted.
#[derive(Clone)]
struct Behaviour {
    respond: Arc<Respond>,
    calls: Arc<Mutex<usize>>,
    accepted: Arc<Mutex<Vec<Message>>>,
}

/// A receiver on this machine.
pub struct Receiver {
    port: u16,
    behaviour: Behaviour,
    serving: JoinHandle<()>,
}

impl Receiver {
    /// A receiver that accepts everything.
    pub async fn start() -> Self {
        Self::start_with(|_, _| 204).await
    }

    /// A receiver that responds to call number `n`, counted from 0, with the returned status.
    pub async fn start_with(
        respond: impl Fn(usize, &Message) -> u16 + Send + Sync + 'static,
    ) -> Self {
        let behaviour = Behaviour {
            respond: Arc::new(respond),
            calls: Arc::default(),
            accepted: Arc::default(),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let serving = serve(listener, behaviour.clone());
        Self { port, behaviour, serving }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/hooks", self.port)
    }

    /// Stops it, with all its connections, and starts it again.
    pub async fn restart(&mut self) {
        self.serving.abort();
        let _ = (&mut self.serving).await;
        let listener = loop {
            match TcpListener::bind(("127.0.0.1", self.port)).await {
                Ok(listener) => break listener,
                Err(_) => tokio::time::sleep(std::time::Duration::from_millis(20)).await,
            }
        };
        self.serving = serve(listener, self.behaviour.clone());
    }

    pub fn calls(&self) -> usize {
        *self.behaviour.calls.lock().unwrap()
    }

    pub fn accepted(&self) -> Vec<Message> {
        self.behaviour.accepted.lock().unwrap().clone()
    }

    /// The seqs of `event` that were accepted, in the order of their arrival.
    pub fn seqs(&self, event: &str) -> Vec<u64> {
        let source = format!("/api/v1/events/{event}");
        let of_event = |message: &Message| {
            let seq = message.event["sequence"].as_str()?.parse().ok()?;
            (message.event["source"] == source.as_str()).then_some(seq)
        };
        self.accepted().iter().filter_map(of_event).collect()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

fn serve(listener: TcpListener, behaviour: Behaviour) -> JoinHandle<()> {
    let router = Router::new().fallback(receive).with_state(behaviour);
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() })
}

async fn receive(
    State(behaviour): State<Behaviour>,
    headers: HeaderMap,
    body: Bytes,
) -> impl IntoResponse {
    // As a shop does it, with the library of the standard.
    standardwebhooks::Webhook::new(SECRET).unwrap().verify(&body, &headers).unwrap();
    assert_eq!(headers["content-type"], "application/cloudevents+json");
    let id = headers["webhook-id"].to_str().unwrap().to_owned();
    let message = Message { id, event: serde_json::from_slice(&body).unwrap() };
    let number = {
        let mut calls = behaviour.calls.lock().unwrap();
        *calls += 1;
        *calls - 1
    };
    let status = (behaviour.respond)(number, &message);
    if status < 300 {
        behaviour.accepted.lock().unwrap().push(message);
    }
    let headers = BTreeMap::from([("location", "http://127.0.0.1:1/")]);
    let location: HeaderMap = headers
        .iter()
        .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
        .collect();
    (axum::http::StatusCode::from_u16(status).unwrap(), location)
}

/// Checks that `seqs` has all of `1..=end`, each at least once and none before the one before it.
pub fn check_order(seqs: &[u64], end: u64) {
    let mut newest = 0;
    for seq in seqs {
        assert!(*seq <= newest + 1, "{seq} after {newest}: {seqs:?}");
        newest = newest.max(*seq);
    }
    assert_eq!(newest, end, "{seqs:?}");
}
