//! Calls to a running system over HTTP, within the cluster.

use std::{future::Future, time::Duration};

use async_trait::async_trait;
use futures::{StreamExt, TryStreamExt, stream};
use http_body_util::Empty;
use hyper::{
    Method, Request, StatusCode,
    body::Bytes,
    header::{ACCEPT, AUTHORIZATION},
};
use serde::{Deserialize, de::DeserializeOwned};

use super::client::{CallError, Endpoint, SystemClient};
use crate::{
    api::QueueStatus,
    http_client::{HttpClient, body_of, client},
};

/// Longest response body that is read.
const BODY_MAX_BYTES: usize = 4 * 1024 * 1024;
/// Most pages of events, so that a large system does not occupy the operator.
const PAGES_MAX: usize = 20;
/// Calls to one system at the same time.
const CONCURRENCY: usize = 8;

/// A client over HTTP. The calls stay in the cluster, as those of ticket to vacancy do.
pub struct HttpSystemClient {
    client: HttpClient,
    timeout: Duration,
}

#[derive(Deserialize)]
struct Events {
    events: Vec<Event>,
    next: Option<String>,
}

#[derive(Deserialize)]
struct Event {
    event: String,
    queue: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct AdminEvent {
    event: String,
    queue_state: Option<QueueState>,
}

#[derive(Deserialize)]
struct QueueState {
    phase: String,
    waiting: i64,
    serving: i64,
    paused: bool,
}

impl HttpSystemClient {
    /// A client whose calls take at most `timeout`, all requests of a call together.
    pub fn new(timeout: Duration) -> Self {
        Self { client: client(timeout), timeout }
    }

    async fn within<T>(
        &self,
        endpoint: &Endpoint,
        call: impl Future<Output = Result<T, CallError>>,
    ) -> Result<T, CallError> {
        let late = |_| Err(CallError::Unreachable { url: endpoint.url.clone() });
        tokio::time::timeout(self.timeout, call).await.unwrap_or_else(late)
    }

    /// The body of a successful response.
    async fn send(
        &self,
        method: Method,
        endpoint: &Endpoint,
        path: &str,
    ) -> Result<Bytes, CallError> {
        let url = format!("{}{path}", endpoint.url);
        let request = Request::builder()
            .method(method)
            .uri(&url)
            .header(ACCEPT, "application/json")
            .header(AUTHORIZATION, format!("Bearer {}", endpoint.token))
            .body(Empty::new())
            .map_err(|_| CallError::Unreachable { url: endpoint.url.clone() })?;
        let response = self.client.request(request).await;
        let response =
            response.map_err(|_| CallError::Unreachable { url: endpoint.url.clone() })?;
        let status = response.status();
        if !status.is_success() {
            return Err(CallError::Refused { url, status: status.as_u16() });
        }
        body_of(response, BODY_MAX_BYTES).await.ok_or(CallError::Unexpected { url })
    }

    async fn get<T: DeserializeOwned>(
        &self,
        endpoint: &Endpoint,
        path: &str,
    ) -> Result<T, CallError> {
        let body = self.send(Method::GET, endpoint, path).await?;
        serde_json::from_slice(&body)
            .map_err(|_| CallError::Unexpected { url: format!("{}{path}", endpoint.url) })
    }

    /// The names of the events with a waiting room.
    async fn events(&self, endpoint: &Endpoint) -> Result<Vec<String>, CallError> {
        let (mut names, mut after) = (Vec::new(), String::new());
        for _ in 0..PAGES_MAX {
            // Names of events need no escapes. MAX_PAGE of the system decides the length of a page.
            let path = match after.as_str() {
                "" => "/api/v1/events".to_owned(),
                after => format!("/api/v1/events?after={after}"),
            };
            let page: Events = self.get(endpoint, &path).await?;
            let with_queue = page.events.into_iter().filter(|event| event.queue.is_some());
            names.extend(with_queue.map(|event| event.event));
            match page.next {
                Some(next) => after = next,
                None => break,
            }
        }
        Ok(names)
    }

    /// The waiting room of one event, unless it is gone by now.
    async fn queue(
        &self,
        endpoint: &Endpoint,
        event: String,
    ) -> Result<Option<QueueStatus>, CallError> {
        let found = self.get(endpoint, &format!("/api/v1/admin/events/{event}")).await;
        let found: AdminEvent = match found {
            Err(CallError::Refused { status, .. }) if status == StatusCode::NOT_FOUND => {
                return Ok(None);
            }
            found => found?,
        };
        Ok(found.queue_state.map(|QueueState { phase, waiting, serving, paused }| QueueStatus {
            event: found.event,
            phase,
            waiting,
            serving,
            paused,
        }))
    }
}

#[async_trait]
impl SystemClient for HttpSystemClient {
    async fn set_queues_paused(&self, endpoint: &Endpoint, paused: bool) -> Result<(), CallError> {
        let action = if paused { "pause" } else { "resume" };
        let path = format!("/api/v1/admin/queues/{action}");
        self.within(endpoint, self.send(Method::POST, endpoint, &path)).await.map(|_| ())
    }

    async fn queues(&self, endpoint: &Endpoint) -> Result<Vec<QueueStatus>, CallError> {
        let read = async {
            let names = self.events(endpoint).await?;
            let reads = names.into_iter().map(|event| self.queue(endpoint, event));
            let queues: Vec<Option<QueueStatus>> =
                stream::iter(reads).buffered(CONCURRENCY).try_collect().await?;
            Ok(queues.into_iter().flatten().collect())
        };
        self.within(endpoint, read).await
    }
}
