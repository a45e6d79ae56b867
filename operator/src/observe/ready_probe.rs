use std::time::Duration;

use async_trait::async_trait;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Bytes;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde::Deserialize;

use crate::status::explain::{Answer, ReadinessProbe};

/// Longest answer that is read.
const BODY_MAX_BYTES: usize = 16 * 1024;

/// Asks over HTTP.
pub struct HttpProbe {
    client: Client<HttpConnector, Empty<Bytes>>,
    timeout: Duration,
}

impl HttpProbe {
    /// No answer takes longer than `timeout`.
    pub fn new(timeout: Duration) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(timeout));
        Self {
            client: Client::builder(TokioExecutor::new())
                .pool_max_idle_per_host(0)
                .build(connector),
            timeout,
        }
    }

    async fn get(&self, url: &str) -> Option<Answer> {
        let response = self.client.get(url.parse().ok()?).await.ok()?;
        if response.status().is_success() {
            return Some(Answer::Ready);
        }
        let status = response.status();
        let body = Limited::new(response.into_body(), BODY_MAX_BYTES)
            .collect()
            .await
            .map(http_body_util::Collected::to_bytes)
            .unwrap_or_default();
        Some(Answer::NotReady(said(&body).unwrap_or_else(|| format!("status {}", status.as_u16()))))
    }
}

#[async_trait]
impl ReadinessProbe for HttpProbe {
    async fn ask(&self, url: &str) -> Answer {
        match tokio::time::timeout(self.timeout, self.get(url)).await {
            Ok(Some(answer)) => answer,
            Ok(None) | Err(_) => Answer::Unreachable,
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

/// What the answer names as missing.
fn said(body: &[u8]) -> Option<String> {
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

    async fn answer_to(response: &'static str) -> Answer {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/ready", listener.local_addr().expect("an address"));
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("a connection");
            let mut request = [0; 1024];
            let _ = stream.read(&mut request).await;
            stream.write_all(response.as_bytes()).await.expect("an answer is written");
            // Left open: a service that stalls must not hold up the operator.
            tokio::time::sleep(Duration::from_secs(5)).await;
        });
        HttpProbe::new(Duration::from_millis(300)).ask(&url).await
    }

    #[tokio::test]
    async fn answers_are_told_apart() {
        assert_eq!(answer_to("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await, Answer::Ready);
        let down = "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 57\r\n\r\n{\"status\":\"not_ready\",\"dependencies\":{\"vacancy\":\"down\"}}\n";
        assert_eq!(answer_to(down).await, Answer::NotReady("vacancy is down".to_owned()));
        assert_eq!(
            answer_to("HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n").await,
            Answer::NotReady("status 503".to_owned())
        );
        assert_eq!(answer_to("").await, Answer::Unreachable);
        assert_eq!(
            HttpProbe::new(Duration::from_millis(300)).ask("http://127.0.0.1:1/ready").await,
            Answer::Unreachable
        );
        assert_eq!(
            HttpProbe::new(Duration::from_millis(300)).ask("not a url").await,
            Answer::Unreachable
        );
    }

    #[tokio::test]
    async fn an_answer_longer_than_allowed_is_not_read() {
        let answer = |len: usize| {
            let body = format!("{{\"reason\":\"{}\"}}", "x".repeat(len - 13));
            let head = format!(
                "HTTP/1.1 503 Service Unavailable\r\ncontent-length: {}\r\n\r\n",
                body.len()
            );
            &*(head + &body).leak()
        };
        assert!(
            matches!(answer_to(answer(BODY_MAX_BYTES)).await, Answer::NotReady(why) if why.starts_with("xxx"))
        );
        assert_eq!(
            answer_to(answer(BODY_MAX_BYTES + 1)).await,
            Answer::NotReady("status 503".to_owned())
        );
    }

    #[test]
    fn the_reason_wins_over_the_list() {
        assert_eq!(
            said(br#"{"reason":"recovering","dependencies":{"store":"down"}}"#).as_deref(),
            Some("recovering")
        );
        assert_eq!(said(br#"{"status":"draining"}"#).as_deref(), Some("draining"));
        assert_eq!(said(b"oops"), None);
    }
}
