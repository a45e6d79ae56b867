//! Probes `/ready` of a service over HTTP.

use std::time::Duration;

use async_trait::async_trait;
use serde::Deserialize;

use crate::{
    http_client::{HttpClient, body_of, client},
    status::diagnosis::{ProbeResult, ReadinessProbe},
};

/// Longest response body that is read.
const BODY_MAX_BYTES: usize = 16 * 1024;

/// A probe over HTTP.
pub struct HttpProbe {
    client: HttpClient,
    timeout: Duration,
}

impl HttpProbe {
    /// A probe that takes at most `timeout`.
    pub fn new(timeout: Duration) -> Self {
        Self { client: client(timeout), timeout }
    }

    async fn get(&self, url: &str) -> Option<ProbeResult> {
        let response = self.client.get(url.parse().ok()?).await.ok()?;
        if response.status().is_success() {
            return Some(ProbeResult::Ready);
        }
        let status = response.status();
        let body = body_of(response, BODY_MAX_BYTES).await.unwrap_or_default();
        Some(ProbeResult::NotReady(
            cause(&body).unwrap_or_else(|| format!("status {}", status.as_u16())),
        ))
    }
}

#[async_trait]
impl ReadinessProbe for HttpProbe {
    async fn probe(&self, url: &str) -> ProbeResult {
        match tokio::time::timeout(self.timeout, self.get(url)).await {
            Ok(Some(result)) => result,
            Ok(None) | Err(_) => ProbeResult::Unreachable,
        }
    }
}

#[derive(Deserialize)]
struct Body {
    status: Option<String>,
    reason: Option<String>,
    #[serde(default)]
    dependencies: std::collections::BTreeMap<String, String>,
}

/// The cause that the body of a response names.
fn cause(body: &[u8]) -> Option<String> {
    let body: Body = serde_json::from_slice(body).ok()?;
    let down: Vec<String> = body
        .dependencies
        .iter()
        .filter(|(_, state)| *state != "up")
        .map(|(name, state)| format!("{name} is {state}"))
        .collect();
    match (body.reason, down.is_empty()) {
        (Some(reason), _) => Some(reason),
        (None, false) => Some(down.join(", ")),
        (None, true) => body.status,
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use super::*;

    async fn result_of(response: &'static str) -> ProbeResult {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/ready", listener.local_addr().expect("an address"));
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("a connection");
            let mut request = [0; 1024];
            let _ = stream.read(&mut request).await;
            stream.write_all(response.as_bytes()).await.expect("the response is written");
            // The connection stays open: a stalled service must not block the operator.
            tokio::time::sleep(Duration::from_secs(5)).await;
        });
        HttpProbe::new(Duration::from_millis(300)).probe(&url).await
    }

    #[tokio::test]
    async fn responses_map_to_results() {
        assert_eq!(
            result_of("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await,
            ProbeResult::Ready
        );
        let down = "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 57\r\n\r\n{\"status\":\"not_ready\",\"dependencies\":{\"vacancy\":\"down\"}}\n";
        assert_eq!(result_of(down).await, ProbeResult::NotReady("vacancy is down".to_owned()));
        assert_eq!(
            result_of("HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n").await,
            ProbeResult::NotReady("status 503".to_owned())
        );
        assert_eq!(result_of("").await, ProbeResult::Unreachable);
        assert_eq!(
            HttpProbe::new(Duration::from_millis(300)).probe("http://127.0.0.1:1/ready").await,
            ProbeResult::Unreachable
        );
        assert_eq!(
            HttpProbe::new(Duration::from_millis(300)).probe("not a url").await,
            ProbeResult::Unreachable
        );
    }

    #[tokio::test]
    async fn oversized_body_is_not_read() {
        let response = |len: usize| {
            let body = format!("{{\"reason\":\"{}\"}}", "x".repeat(len - 13));
            let head = format!(
                "HTTP/1.1 503 Service Unavailable\r\ncontent-length: {}\r\n\r\n",
                body.len()
            );
            &*(head + &body).leak()
        };
        assert!(
            matches!(result_of(response(BODY_MAX_BYTES)).await, ProbeResult::NotReady(cause) if cause.starts_with("xxx"))
        );
        assert_eq!(
            result_of(response(BODY_MAX_BYTES + 1)).await,
            ProbeResult::NotReady("status 503".to_owned())
        );
    }

    #[test]
    fn reason_takes_precedence_over_dependencies() {
        assert_eq!(
            cause(br#"{"reason":"recovering","dependencies":{"store":"down"}}"#).as_deref(),
            Some("recovering")
        );
        assert_eq!(cause(br#"{"status":"draining"}"#).as_deref(), Some("draining"));
        assert_eq!(cause(b"oops"), None);
    }
}
