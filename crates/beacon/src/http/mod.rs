//! A source that asks relays of drand, one after the other.

mod client;
mod response;
mod url;

use std::time::Duration;

use tokio::{sync::OnceCell, task::spawn_blocking, time::timeout};
pub use url::UrlError;

use self::{
    client::HttpClient,
    response::signature_in,
    url::{RelayUrl, Security},
};
use crate::{
    chain::Chain,
    error::BeaconError,
    source::{BeaconSource, BoxFuture},
    verify::verify,
};

/// The public relays of the League of Entropy.
pub const LEAGUE_OF_ENTROPY_URLS: [&str; 4] = [
    "https://api.drand.sh",
    "https://api2.drand.sh",
    "https://api3.drand.sh",
    "https://drand.cloudflare.com",
];

/// Asks relays with drand's HTTP interface, one after the other. A relay that fails, lags or sends
/// what does not verify is passed over.
#[derive(Debug)]
pub struct HttpBeacon {
    relays: Vec<RelayUrl>,
    timeout: Duration,
    security: Security,
    /// Made by the first call: most systems never ask, and reading the roots of a machine takes
    /// time.
    client: OnceCell<HttpClient>,
}

impl HttpBeacon {
    /// Asks the relays at `urls`, such as [`LEAGUE_OF_ENTROPY_URLS`], in their order. Each has
    /// `timeout` for its response.
    ///
    /// # Errors
    /// [`UrlError`], also for a URL without TLS.
    pub fn new<U: AsRef<str>>(urls: &[U], timeout: Duration) -> Result<Self, UrlError> {
        Self::with(urls, timeout, Security::Tls)
    }

    /// As [`HttpBeacon::new`], and URLs may be without TLS: for relays in tests.
    ///
    /// # Errors
    /// [`UrlError`].
    pub fn allowing_http<U: AsRef<str>>(urls: &[U], timeout: Duration) -> Result<Self, UrlError> {
        Self::with(urls, timeout, Security::Any)
    }

    fn with<U: AsRef<str>>(
        urls: &[U],
        timeout: Duration,
        security: Security,
    ) -> Result<Self, UrlError> {
        let relays = url::parse_all(urls.iter().map(AsRef::as_ref), security)?;
        Ok(Self { relays, timeout, security, client: OnceCell::new() })
    }

    async fn client(&self) -> Result<&HttpClient, BeaconError> {
        let (security, limit) = (self.security, self.timeout);
        let made = self.client.get_or_try_init(|| async {
            let made = spawn_blocking(move || client::make(security, limit)).await;
            made.map_err(|error| error.to_string())?.map_err(|error| error.to_string())
        });
        made.await.map_err(BeaconError::Tls)
    }

    /// The signature of `round` from the first relay that has it.
    async fn ask_all(&self, chain: &Chain, round: u64) -> Result<Vec<u8>, BeaconError> {
        let client = self.client().await?;
        let mut failure = None;
        for relay in &self.relays {
            let error = match self.ask(client, relay, chain, round).await {
                Ok(signature) => return Ok(signature),
                Err(error) => error,
            };
            tracing::debug!(%relay, round, %error, "relay of the beacon passed over");
            // That the round may come soon is worth more than how another relay failed.
            if !matches!(failure, Some(BeaconError::NotYet { .. })) {
                failure = Some(error);
            }
        }
        Err(failure.unwrap_or(BeaconError::NotYet { round }))
    }

    /// The signature of `round` from `relay`, verified.
    async fn ask(
        &self,
        client: &HttpClient,
        relay: &RelayUrl,
        chain: &Chain,
        round: u64,
    ) -> Result<Vec<u8>, BeaconError> {
        let url = relay.round(chain, round);
        let body = timeout(self.timeout, client::get(client, &url, round))
            .await
            .unwrap_or(Err(BeaconError::TimedOut(self.timeout)))?;
        let signature = signature_in(&body, round)?;
        verify(chain, round, &signature)?;
        Ok(signature)
    }
}

impl BeaconSource for HttpBeacon {
    fn fetch<'a>(
        &'a self,
        chain: &'a Chain,
        round: u64,
    ) -> BoxFuture<'a, Result<Vec<u8>, BeaconError>> {
        Box::pin(self.ask_all(chain, round))
    }
}
