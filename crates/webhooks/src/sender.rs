//! One delivery.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderValue, Request, StatusCode, header};
use http_body_util::Full;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use rustls::{ClientConfig, RootCertStore, crypto::ring};
use thiserror::Error;
use tokio::{sync::OnceCell, task::spawn_blocking, time::timeout};

use crate::{
    address::Resolver,
    endpoint::{Endpoint, EndpointError},
    message::Message,
    settings::WebhookSettings,
};

/// The longest `Retry-After` that is followed.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(3_600);
/// The time after which an idle connection is closed.
const IDLE: Duration = Duration::from_secs(30);

/// Why a delivery failed. The texts are for administrators.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SendError {
    /// The receiver is not allowed any more: a setting has changed.
    #[error("{0}")]
    Endpoint(#[from] EndpointError),
    /// Its secret cannot be read.
    #[error("the secret cannot be read; set it again")]
    Secret,
    /// The client cannot be made.
    #[error("TLS: {0}")]
    Tls(String),
    /// No response.
    #[error("no connection: {0}")]
    Connection(String),
    /// No response in time.
    #[error("no response within {} s", .0.as_secs_f64())]
    TimedOut(Duration),
    /// The receiver is elsewhere, and a delivery does not follow it.
    #[error("status {0}: redirects are not followed")]
    Redirect(u16),
    /// It refused.
    #[error("status {status}")]
    Refused {
        /// The status.
        status: u16,
        /// The time after which it wants to be asked again.
        retry_after: Option<Duration>,
    },
    /// It wants nothing more.
    #[error("status 410: the receiver wants nothing more")]
    Gone,
}

type HttpClient = Client<HttpsConnector<HttpConnector<Resolver>>, Full<Bytes>>;

/// Sends messages.
pub struct Sender {
    /// Made by the first delivery: most systems have no receiver, and reading the roots of a
    /// machine takes time.
    client: OnceCell<HttpClient>,
    settings: WebhookSettings,
}

impl Sender {
    pub fn new(settings: WebhookSettings) -> Self {
        Self { client: OnceCell::new(), settings }
    }

    async fn client(&self) -> Result<&HttpClient, SendError> {
        let made = self.client.get_or_try_init(|| async {
            let settings = self.settings.clone();
            let made = spawn_blocking(move || client(&settings)).await;
            made.map_err(|error| error.to_string())?.map_err(|error| error.to_string())
        });
        made.await.map_err(SendError::Tls)
    }

    /// Sends `message` to `endpoint` at `now_s`, seconds since 1970. Returns the status of its
    /// success.
    ///
    /// # Errors
    /// [`SendError`].
    pub async fn send(
        &self,
        endpoint: &Endpoint,
        message: &Message,
        now_s: u64,
    ) -> Result<u16, SendError> {
        // The client resolves names alone: an address in the URL is checked here.
        endpoint.check(&self.settings)?;
        let secret = endpoint.secret().ok_or(SendError::Secret)?;
        let client = self.client().await?;
        let body = Bytes::from(message.body.clone());
        let request = Request::post(endpoint.url.as_str())
            .header(header::CONTENT_TYPE, "application/cloudevents+json")
            .header(header::USER_AGENT, concat!("ticket-system/", env!("CARGO_PKG_VERSION")))
            .header("webhook-id", &message.id)
            .header("webhook-timestamp", now_s)
            .header("webhook-signature", secret.sign(&message.id, now_s, &body))
            .body(Full::new(body))
            .map_err(|error| SendError::Connection(error.to_string()))?;
        let limit = self.settings.webhook_timeout;
        let response = timeout(limit, client.request(request)).await;
        let response = response
            .map_err(|_| SendError::TimedOut(limit))?
            .map_err(|error| SendError::Connection(words(&error)))?;
        outcome(response.status(), response.headers().get(header::RETRY_AFTER))
    }
}

/// A client that trusts the public roots, and those of this machine.
fn client(settings: &WebhookSettings) -> Result<HttpClient, rustls::Error> {
    let mut roots = RootCertStore::empty();
    // An image may have no certificates, or SSL_CERT_FILE may name those of the database alone.
    roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    let native = rustls_native_certs::load_native_certs();
    for error in &native.errors {
        tracing::warn!(%error, "certificates of this machine cannot be read; webhooks go without them");
    }
    roots.add_parsable_certificates(native.certs);
    let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let resolver = Resolver { allow_private: settings.webhook_allow_private };
    let mut connector = HttpConnector::new_with_resolver(resolver);
    connector.enforce_http(false);
    connector.set_connect_timeout(Some(settings.webhook_timeout));
    let connector = HttpsConnectorBuilder::new()
        .with_tls_config(tls)
        .https_or_http()
        .enable_http1()
        .wrap_connector(connector);
    Ok(Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE)
        .build(connector))
}

fn outcome(status: StatusCode, retry_after: Option<&HeaderValue>) -> Result<u16, SendError> {
    match status {
        _ if status.is_success() => Ok(status.as_u16()),
        StatusCode::GONE => Err(SendError::Gone),
        _ if status.is_redirection() => Err(SendError::Redirect(status.as_u16())),
        _ => {
            let seconds = retry_after.and_then(|value| value.to_str().ok()?.parse().ok());
            let retry_after = seconds.map(|s| Duration::from_secs(s).min(RETRY_AFTER_MAX));
            Err(SendError::Refused { status: status.as_u16(), retry_after })
        }
    }
}

/// The innermost cause: the outer ones say that a connection failed.
fn words(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_success_counts_as_one() {
        let seconds = HeaderValue::from_static("7");
        let of = |status: u16| outcome(StatusCode::from_u16(status).unwrap(), Some(&seconds));
        for status in [200, 201, 202, 204] {
            assert_eq!(of(status), Ok(status));
        }
        for status in [301, 302, 307, 308] {
            assert_eq!(of(status), Err(SendError::Redirect(status)));
        }
        assert_eq!(of(410), Err(SendError::Gone));
        for status in [400, 404, 429, 500, 503] {
            let retry_after = Some(Duration::from_secs(7));
            assert_eq!(of(status), Err(SendError::Refused { status, retry_after }));
        }
    }
}
