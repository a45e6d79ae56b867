//! The HTTP client, and one call with it.

use std::{error::Error, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Request, StatusCode, header};
use http_body_util::{BodyExt, Empty, LengthLimitError, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use rustls::{ClientConfig, RootCertStore, crypto::ring};

use super::url::Security;
use crate::error::BeaconError;

/// The longest response, bytes. A round has about 300.
const RESPONSE_BYTES_MAX: usize = 4_096;

pub type HttpClient = Client<HttpsConnector<HttpConnector>, Empty<Bytes>>;

/// A client that trusts the public roots, and those of this machine. It follows no redirects.
pub fn make(security: Security, connect_timeout: Duration) -> Result<HttpClient, rustls::Error> {
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
    connector.set_connect_timeout(Some(connect_timeout));
    let builder = HttpsConnectorBuilder::new().with_tls_config(tls);
    let builder = match security {
        Security::Tls => builder.https_only(),
        Security::Any => builder.https_or_http(),
    };
    let connector = builder.enable_http1().wrap_connector(connector);
    // Rounds are fetched rarely.
    Ok(Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build(connector))
}

/// The body of a relay's response about `round`.
pub async fn get(client: &HttpClient, url: &str, round: u64) -> Result<Bytes, BeaconError> {
    let request = Request::get(url)
        .header(header::ACCEPT, "application/json")
        .header(header::USER_AGENT, concat!("ticket-system/", env!("CARGO_PKG_VERSION")))
        .body(Empty::new())
        .map_err(|error| BeaconError::Connection(error.to_string()))?;
    let response = client.request(request).await;
    let response = response.map_err(|error| BeaconError::Connection(innermost(&error)))?;
    match response.status() {
        StatusCode::OK => {}
        StatusCode::NOT_FOUND | StatusCode::TOO_EARLY => return Err(BeaconError::NotYet { round }),
        other => return Err(BeaconError::Status(other.as_u16())),
    }
    match Limited::new(response.into_body(), RESPONSE_BYTES_MAX).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => {
            Err(BeaconError::TooLong(RESPONSE_BYTES_MAX))
        }
        Err(error) => Err(BeaconError::Connection(innermost(&*error))),
    }
}

/// The innermost cause: the outer ones say that a connection failed.
fn innermost(error: &(dyn Error + 'static)) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
