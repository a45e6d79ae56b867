//! HTTP requests over the simulated network, on one connection.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use turmoil::net::TcpStream;

/// A response.
#[derive(Debug, Clone)]
pub struct Reply {
    /// Its status.
    pub status: u16,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body; null when it is not JSON.
    pub body: Value,
}

/// A client of one host. It keeps its connection until a call fails.
pub struct HttpClient {
    host: &'static str,
    port: u16,
    kept: Option<SendRequest<Full<Bytes>>>,
}

impl HttpClient {
    /// A client of `host`.
    #[must_use]
    pub fn new(host: &'static str, port: u16) -> Self {
        Self { host, port, kept: None }
    }

    /// Sends and waits at most `within`; `None` without a response.
    pub async fn call(
        &mut self,
        method: Method,
        path: &str,
        headers: &[(&str, String)],
        body: Option<Value>,
        within: Duration,
    ) -> Option<Reply> {
        let called = tokio::time::timeout(within, self.exchange(method, path, headers, body)).await;
        let reply = called.ok().flatten();
        if reply.is_none() {
            self.kept = None;
        }
        reply
    }

    async fn exchange(
        &mut self,
        method: Method,
        path: &str,
        headers: &[(&str, String)],
        body: Option<Value>,
    ) -> Option<Reply> {
        let mut sender = match self.kept.take().filter(|sender| !sender.is_closed()) {
            Some(sender) => sender,
            None => self.connect().await?,
        };
        let mut request = Request::builder().method(method).uri(path).header("host", self.host);
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let bytes = match body {
            Some(body) => {
                request = request.header("content-type", "application/json");
                Bytes::from(body.to_string())
            }
            None => Bytes::new(),
        };
        sender.ready().await.ok()?;
        let response = sender.send_request(request.body(Full::new(bytes)).ok()?).await.ok()?;
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.ok()?.to_bytes();
        self.kept = Some(sender);
        Some(Reply {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body: serde_json::from_slice(&bytes).unwrap_or(Value::Null),
        })
    }

    async fn connect(&self) -> Option<SendRequest<Full<Bytes>>> {
        let stream = TcpStream::connect((self.host, self.port)).await.ok()?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await.ok()?;
        tokio::spawn(async move { drop(connection.await) });
        Some(sender)
    }
}
