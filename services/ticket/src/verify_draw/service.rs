//! Calls of a running system, also over TLS: draws are verified from outside of it.

use std::{error::Error, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderValue, Request, StatusCode, header};
use http_body_util::{BodyExt, Empty, LengthLimitError, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use rustls::{ClientConfig, RootCertStore, crypto::ring};
use serde_json::Value;
use thiserror::Error;
use tokio::time::{sleep, timeout};

use crate::buy::detail;

/// The longest response, bytes: a page of the sales feed has 1000 records, and each up to 1024
/// places.
const RESPONSE_BYTES_MAX: usize = 64 << 20;
/// Tries of a call that the service asks to repeat.
const TRIES_MAX: u32 = 5;
/// The longest `Retry-After` that is followed, seconds.
const PAUSE_MAX_S: u64 = 10;

/// Why a call failed.
#[derive(Debug, Error)]
pub enum ServiceError {
    /// The client cannot be made.
    #[error("TLS: {0}")]
    Tls(#[from] rustls::Error),
    /// The URL is none.
    #[error("{0} is not a URL of a service")]
    Url(String),
    /// No response.
    #[error("GET {path}: no response: {why}")]
    Connection {
        /// The call.
        path: String,
        /// The reason.
        why: String,
    },
    /// The response is too long.
    #[error("GET {0}: the response has more than {RESPONSE_BYTES_MAX} bytes")]
    TooLong(String),
    /// The service refused.
    #[error("GET {path}: {status}: {detail}")]
    Refused {
        /// The call.
        path: String,
        /// The status.
        status: u16,
        /// The code of the problem.
        code: String,
        /// The reason.
        detail: String,
    },
    /// The response is not what it should be.
    #[error("GET {path}: {why}")]
    Content {
        /// The call.
        path: String,
        /// The reason.
        why: String,
    },
}

impl ServiceError {
    /// Whether the service refused with this problem.
    pub fn is(&self, problem: &str) -> bool {
        matches!(self, Self::Refused { code, .. } if code == problem)
    }

    pub fn content(path: &str, why: &impl ToString) -> Self {
        Self::Content { path: shown(path).to_owned(), why: why.to_string() }
    }
}

/// A running system.
pub struct Service {
    url: String,
    client: Client<HttpsConnector<HttpConnector>, Empty<Bytes>>,
    timeout: Duration,
}

impl Service {
    /// The system at `url`. Certificates of the public roots and of this machine are trusted.
    ///
    /// # Errors
    /// [`ServiceError::Tls`].
    pub fn new(url: &str, timeout: Duration) -> Result<Self, ServiceError> {
        let mut roots = RootCertStore::empty();
        // An image may have no certificates.
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let mut connector = HttpConnector::new();
        connector.enforce_http(false);
        connector.set_connect_timeout(Some(timeout));
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http()
            .enable_http1()
            .wrap_connector(connector);
        let client = Client::builder(TokioExecutor::new()).build(connector);
        Ok(Self { url: url.to_owned(), client, timeout })
    }

    /// The body of the response to `GET path`, with this token if there is one. Redirects are not
    /// followed.
    ///
    /// # Errors
    /// [`ServiceError`], also for every other status than 200.
    pub async fn get(&self, path: &str, token: Option<&str>) -> Result<Bytes, ServiceError> {
        let mut tries = 0;
        loop {
            tries += 1;
            let response = timeout(self.timeout, self.call(path, token)).await;
            let (parts, body) = response.unwrap_or_else(|_| {
                let why = format!("within {} s", self.timeout.as_secs());
                Err(ServiceError::Connection { path: shown(path).to_owned(), why })
            })?;
            match parts.status {
                StatusCode::OK => return Ok(body),
                StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE
                    if tries < TRIES_MAX =>
                {
                    sleep(pause(parts.headers.get(header::RETRY_AFTER))).await;
                }
                status => return Err(refusal(path, status, &body)),
            }
        }
    }

    async fn call(
        &self,
        path: &str,
        token: Option<&str>,
    ) -> Result<(http::response::Parts, Bytes), ServiceError> {
        let mut request = Request::get(format!("{}{path}", self.url));
        if let Some(token) = token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        let request =
            request.body(Empty::new()).map_err(|_| ServiceError::Url(self.url.clone()))?;
        let failed = |error: &(dyn Error + 'static)| ServiceError::Connection {
            path: shown(path).to_owned(),
            why: innermost(error),
        };
        let response = self.client.request(request).await.map_err(|error| failed(&error))?;
        let (parts, body) = response.into_parts();
        match Limited::new(body, RESPONSE_BYTES_MAX).collect().await {
            Ok(body) => Ok((parts, body.to_bytes())),
            Err(error) if error.is::<LengthLimitError>() => {
                Err(ServiceError::TooLong(shown(path).to_owned()))
            }
            Err(error) => Err(failed(&*error)),
        }
    }
}

/// Without the query, which may have a place in it.
fn shown(path: &str) -> &str {
    path.split('?').next().unwrap_or(path)
}

fn refusal(path: &str, status: StatusCode, body: &[u8]) -> ServiceError {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    ServiceError::Refused {
        path: shown(path).to_owned(),
        status: status.as_u16(),
        code: body["code"].as_str().unwrap_or_default().to_owned(),
        detail: detail(&body),
    }
}

fn pause(retry_after: Option<&HeaderValue>) -> Duration {
    let seconds = retry_after.and_then(|value| value.to_str().ok()?.parse().ok()).unwrap_or(1_u64);
    Duration::from_secs(seconds.clamp(1, PAUSE_MAX_S))
}

/// The innermost cause: the outer ones say that a connection failed.
fn innermost(error: &(dyn Error + 'static)) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
