//! A small client that keeps status, headers and body of every answer.

use std::time::Duration;

use reqwest::{
    Method, StatusCode,
    header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue},
};
use serde_json::Value;

/// The admin token of every process that the tests start.
pub const ADMIN_TOKEN: &str = "an-admin-token-for-tests";

/// The seller's token of every process that the tests start.
pub const SELLER_TOKEN: &str = "a-seller-token-for-tests";

/// The gate's token of every process that the tests start.
pub const GATE_TOKEN: &str = "a-token-of-the-gate-for-tests";

/// The content types of responses without end.
const STREAMS: [&[u8]; 2] = [b"text/event-stream", b"application/x-ndjson"];

/// The longest call.
const CALL_MAX: Duration = Duration::from_secs(120);

/// A response.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub bytes: Vec<u8>,
}

impl Answer {
    /// Its body as JSON; null when it is not JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or(Value::Null)
    }

    /// The text of a header; empty when it is missing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Its problem code, after checking that it is a problem in the contract's form.
    pub fn problem(&self) -> String {
        let body = self.json();
        assert_eq!(self.header("content-type"), "application/problem+json", "{body}");
        assert_eq!(body["status"], self.status, "{body}");
        let code = body["code"].as_str().unwrap_or_default().to_owned();
        assert_eq!(body["type"], format!("urn:ticket-system:problem:{code}"), "{body}");
        assert!(
            body["title"].is_string() && body["detail"].is_string() && body["error"].is_string(),
            "{body}"
        );
        assert_eq!(body["request_id"], self.header("x-request-id"), "{body}");
        code
    }
}

/// The body of a response; of a stream, which has no end, the first part.
async fn body_of(mut response: reqwest::Response) -> Result<Vec<u8>, reqwest::Error> {
    let content_type = response.headers().get(CONTENT_TYPE).map(HeaderValue::as_bytes);
    let is_stream =
        content_type.is_some_and(|kind| STREAMS.iter().any(|stream| kind.starts_with(stream)));
    if is_stream {
        return Ok(response.chunk().await?.unwrap_or_default().to_vec());
    }
    Ok(response.bytes().await?.to_vec())
}

/// Calls one service; clones share connections.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    base: String,
}

impl Client {
    pub fn new(base: &str) -> Self {
        // A call that hangs fails its test, and no other.
        let http = reqwest::Client::builder().no_proxy().timeout(CALL_MAX).build().unwrap();
        Self { http, base: base.to_owned() }
    }

    /// The address of the service.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Any call; the error is that of the connection.
    pub async fn call(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Value>,
    ) -> Result<Answer, reqwest::Error> {
        let mut all = HeaderMap::new();
        for (name, value) in headers {
            all.insert(
                HeaderName::from_bytes(name.as_bytes()).unwrap(),
                HeaderValue::from_str(value).unwrap(),
            );
        }
        let mut request = self.http.request(method, format!("{}{path}", self.base)).headers(all);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Ok(Answer { status, headers, bytes: body_of(response).await? })
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path, &[], None).await.unwrap()
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.call(Method::POST, path, &[], Some(body)).await.unwrap()
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.call(Method::DELETE, path, &[], None).await.unwrap()
    }

    /// A POST with an Idempotency-Key.
    pub async fn keyed(
        &self,
        path: &str,
        key: &str,
        body: Value,
    ) -> Result<Answer, reqwest::Error> {
        self.call(Method::POST, path, &[("idempotency-key", key)], Some(body)).await
    }

    /// A call with the admin token and these headers.
    pub async fn admin(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Value>,
    ) -> Answer {
        let token = format!("Bearer {ADMIN_TOKEN}");
        let headers = [&[("authorization", token.as_str())], headers].concat();
        self.call(method, path, &headers, body).await.unwrap()
    }

    /// A POST with the seller's token and these headers.
    pub async fn seller(&self, path: &str, headers: &[(&str, &str)], body: Value) -> Answer {
        let token = format!("Bearer {SELLER_TOKEN}");
        let headers = [&[("authorization", token.as_str())], headers].concat();
        self.call(Method::POST, path, &headers, Some(body)).await.unwrap()
    }

    /// Creates an event with these stocks.
    pub async fn put_event(&self, event: &str, body: Value) -> Answer {
        self.admin(Method::PUT, &format!("/api/v1/admin/events/{event}"), &[], Some(body)).await
    }

    /// `GET /api/v1/available`.
    pub async fn available(&self) -> u64 {
        let answer = self.get("/api/v1/available").await;
        assert_eq!(answer.status, StatusCode::OK.as_u16());
        answer.json()["qty"].as_u64().unwrap()
    }

    /// Every record of an event's ledger.
    pub async fn ledger(&self, event: &str) -> Vec<Value> {
        let mut all: Vec<Value> = Vec::new();
        loop {
            let after = all.last().map_or("0", |last| last["sequence"].as_str().unwrap());
            let page = self
                .admin(
                    Method::GET,
                    &format!("/api/v1/admin/events/{event}/sales?after={after}&limit=1000"),
                    &[],
                    None,
                )
                .await;
            assert_eq!(page.status, 200);
            let page = page.json().as_array().unwrap().clone();
            if page.is_empty() {
                return all;
            }
            all.extend(page);
        }
    }
}
