//! Calls with pooled connections, repeated until they have a usable response.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use rand::RngExt;
use reqwest::{
    Client, Method,
    header::{HeaderMap, HeaderName, HeaderValue},
};
use serde_json::Value;
use tokio::{sync::Semaphore, time::sleep};

use crate::error::Error;

/// Calls at once, and so connections at most.
const CALLS_MAX: usize = 256;
/// The token of administrators.
pub const ADMIN: &str = "an-admin-token-for-tests";
/// The longest call.
const CALL_MAX: Duration = Duration::from_secs(15);
/// How long people try again.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A call, which can be repeated.
#[derive(Debug, Clone)]
pub struct Call {
    method: Method,
    path: String,
    headers: HeaderMap,
    body: Option<Value>,
}

impl Call {
    pub fn get(path: impl Into<String>) -> Self {
        Self { method: Method::GET, path: path.into(), headers: HeaderMap::new(), body: None }
    }

    pub fn post(path: impl Into<String>) -> Self {
        Self { method: Method::POST, ..Self::get(path) }
    }

    pub fn put(path: impl Into<String>) -> Self {
        Self { method: Method::PUT, ..Self::get(path) }
    }

    pub fn delete(path: impl Into<String>) -> Self {
        Self { method: Method::DELETE, ..Self::get(path) }
    }

    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(HeaderName::from_static(name), value);
        }
        self
    }

    /// As an administrator.
    pub fn admin(self) -> Self {
        self.header("authorization", &format!("Bearer {ADMIN}"))
    }

    pub fn body(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }
}

/// A response.
#[derive(Debug, Clone)]
pub struct Reply {
    pub status: u16,
    pub bytes: Vec<u8>,
}

impl Reply {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or_default()
    }

    /// The code of a problem.
    pub fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }

    /// Status and code, as one word.
    pub fn short(&self) -> String {
        format!("{} {}", self.status, self.code())
    }
}

/// A service as a crowd sees it.
pub struct Http {
    client: Client,
    base: String,
    slots: Semaphore,
    retries: Mutex<BTreeMap<String, u64>>,
}

impl Http {
    pub fn new(base: &str) -> Result<Self, Error> {
        let client = Client::builder().no_proxy().pool_max_idle_per_host(CALLS_MAX).build()?;
        let slots = Semaphore::new(CALLS_MAX);
        Ok(Self { client, base: base.to_owned(), slots, retries: Mutex::default() })
    }

    /// The call, once.
    pub async fn once(&self, call: &Call) -> Result<Reply, reqwest::Error> {
        let _slot = self.slots.acquire().await;
        let url = format!("{}{}", self.base, call.path);
        let mut request = self.client.request(call.method.clone(), url).timeout(CALL_MAX);
        if let Some(body) = &call.body {
            request = request.json(body);
        }
        let response = request.headers(call.headers.clone()).send().await?;
        let status = response.status().as_u16();
        Ok(Reply { status, bytes: response.bytes().await?.to_vec() })
    }

    /// The call until it has a response that says something.
    pub async fn ask(&self, call: &Call) -> Result<Reply, Error> {
        let (since, mut pause_ms) = (Instant::now(), 50.0);
        while since.elapsed() < PATIENCE {
            let why = match self.once(call).await {
                Ok(reply) if !matches!(reply.status, 408 | 429 | 500..=599) => return Ok(reply),
                Ok(reply) => reply.short(),
                Err(error) if error.is_connect() => "no connection".to_owned(),
                Err(error) if error.is_timeout() => "no response in time".to_owned(),
                Err(_) => "connection lost".to_owned(),
            };
            *self.retries.lock().entry(why).or_default() += 1;
            let jitter = rand::rng().random_range(0.5..1.0);
            sleep(Duration::from_secs_f64(pause_ms * jitter / 1_000.0)).await;
            pause_ms = (pause_ms * 2.0).min(1_000.0);
        }
        Err(Error::Unanswered {
            call: format!("{} {}", call.method, call.path),
            limit_s: PATIENCE.as_secs(),
        })
    }

    /// Like [`Http::ask`]; another status than `status` is an error.
    pub async fn expect(&self, status: u16, call: &Call) -> Result<Reply, Error> {
        let reply = self.ask(call).await?;
        if reply.status == status {
            return Ok(reply);
        }
        let text = String::from_utf8_lossy(&reply.bytes);
        Err(Error::Setup {
            call: format!("{} {}", call.method, call.path),
            reply: format!("{} {text}", reply.status),
        })
    }

    /// A response without end.
    pub async fn open(&self, path: &str) -> Result<reqwest::Response, reqwest::Error> {
        self.client.get(format!("{}{path}", self.base)).send().await?.error_for_status()
    }

    /// Why calls were repeated, and how often.
    pub fn retries(&self) -> BTreeMap<String, u64> {
        self.retries.lock().clone()
    }
}
