//! A stub of the HTTP API of a running system, and the client that operators of these tests call it
//! with.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU16, Ordering},
};

use async_trait::async_trait;
use axum::{
    Json, Router,
    extract::{Path, Query, Request, State},
    http::StatusCode,
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use operator::{
    api::QueueStatus,
    queues::{CallError, Endpoint, HttpSystemClient, SystemClient},
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};

/// Longest duration of a call.
const TIMEOUT: std::time::Duration = std::time::Duration::from_millis(500);

pub struct SystemApi {
    pub url: String,
    state: Arc<Shared>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct Shared {
    /// Each event, with the state of its waiting room if it has one.
    events: Mutex<Vec<(String, Option<Value>)>>,
    /// Paths with their tokens.
    calls: Mutex<Vec<(String, String)>>,
    /// The status of all responses, if it is not 0.
    refusal: AtomicU16,
}

impl Drop for SystemApi {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl SystemApi {
    pub async fn start() -> Self {
        let state = Arc::new(Shared::default());
        let router = Router::new()
            .route("/api/v1/events", get(events))
            .route("/api/v1/admin/events/{event}", get(event))
            .route("/api/v1/admin/queues/{action}", post(set_paused))
            .layer(from_fn_with_state(Arc::clone(&state), record))
            .with_state(Arc::clone(&state));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let task = tokio::spawn(async move {
            axum::serve(listener, router).await.expect("it serves");
        });
        Self { url, state, task }
    }

    pub fn set_queue(&self, event: &str, phase: &str, waiting: i64, paused: bool) {
        let queue = json!({"phase": phase, "serving": 7, "waiting": waiting, "left": 3, "eta_s": null,
            "in_baskets": 0, "paused": paused});
        self.state.events.lock().expect("events").push((event.to_owned(), Some(queue)));
    }

    pub fn set_event_without_queue(&self, event: &str) {
        self.state.events.lock().expect("events").push((event.to_owned(), None));
    }

    pub fn refuse(&self, status: u16) {
        self.state.refusal.store(status, Ordering::Relaxed);
    }

    /// The paths that begin with `start`, and the tokens, of all calls.
    pub fn calls(&self, start: &str) -> Vec<(String, String)> {
        let calls = self.state.calls.lock().expect("calls");
        calls.iter().filter(|(path, _)| path.starts_with(start)).cloned().collect()
    }
}

async fn record(State(state): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let token = request.headers().get("authorization").and_then(|value| value.to_str().ok());
    let call = (request.uri().to_string(), token.unwrap_or_default().to_owned());
    state.calls.lock().expect("calls").push(call);
    match state.refusal.load(Ordering::Relaxed) {
        0 => next.run(request).await,
        status => StatusCode::from_u16(status).expect("a status").into_response(),
    }
}

#[derive(serde::Deserialize)]
struct Page {
    after: Option<String>,
}

/// Two events on each page.
async fn events(State(state): State<Arc<Shared>>, Query(page): Query<Page>) -> Json<Value> {
    let mut events = state.events.lock().expect("events").clone();
    events.sort_by(|(one, _), (other, _)| one.cmp(other));
    events.retain(|(name, _)| page.after.as_ref().is_none_or(|after| name > after));
    let next = events.get(1).filter(|_| events.len() > 2).map(|(name, _)| name.clone());
    let shown = events.iter().take(2).map(|(name, queue)| {
        let mut event = json!({"event": name, "stocks": {}, "seq": 1});
        if queue.is_some() {
            event["queue"] = json!({"opens_at": "2026-01-01T00:00:00Z", "draw": true});
        }
        event
    });
    let mut body = json!({"events": shown.collect::<Vec<_>>()});
    if let Some(next) = next {
        body["next"] = json!(next);
    }
    Json(body)
}

async fn event(State(state): State<Arc<Shared>>, Path(name): Path<String>) -> Response {
    let events = state.events.lock().expect("events");
    match events.iter().find(|(event, _)| *event == name) {
        // Deleted since it was listed.
        Some((event, _)) if event == "gone" => StatusCode::NOT_FOUND.into_response(),
        Some((event, queue)) => Json(json!({"event": event, "queue_state": queue})).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn set_paused(State(state): State<Arc<Shared>>, Path(action): Path<String>) -> Json<Value> {
    for queue in state.events.lock().expect("events").iter_mut().filter_map(|(_, it)| it.as_mut()) {
        queue["paused"] = json!(action == "pause");
    }
    Json(json!({"queues": []}))
}

/// Calls a stub in place of the Service. Without one, nothing responds.
pub struct Redirected {
    http: HttpSystemClient,
    target: Mutex<Option<String>>,
    asked: Mutex<Vec<String>>,
}

impl Redirected {
    pub fn nowhere() -> Self {
        let (target, asked) = (Mutex::default(), Mutex::default());
        Self { http: HttpSystemClient::new(TIMEOUT), target, asked }
    }

    pub fn lead_to(&self, api: Option<&SystemApi>) {
        *self.target.lock().expect("the target") = api.map(|api| api.url.clone());
    }

    /// The URLs of the Services that were meant.
    pub fn asked(&self) -> Vec<String> {
        let mut asked = self.asked.lock().expect("the URLs").clone();
        asked.dedup();
        asked
    }

    fn redirect(&self, endpoint: &Endpoint) -> Result<Endpoint, CallError> {
        self.asked.lock().expect("the URLs").push(endpoint.url.clone());
        let target = self.target.lock().expect("the target").clone();
        let url = target.ok_or(CallError::Unreachable { url: endpoint.url.clone() })?;
        Ok(Endpoint { url, ..endpoint.clone() })
    }
}

#[async_trait]
impl SystemClient for Redirected {
    async fn set_queues_paused(&self, endpoint: &Endpoint, paused: bool) -> Result<(), CallError> {
        self.http.set_queues_paused(&self.redirect(endpoint)?, paused).await
    }

    async fn queues(&self, endpoint: &Endpoint) -> Result<Vec<QueueStatus>, CallError> {
        self.http.queues(&self.redirect(endpoint)?).await
    }
}
