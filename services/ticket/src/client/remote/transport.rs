//! The connections to vacancy: a pool of reqwest, or a simulated network in tests.

use std::time::Duration;

use http::{Request, Response};
use parking_lot::Mutex;
use reqwest::Client;
use thiserror::Error;

use super::super::{link_settings::VacancyLink, vacancy_client::BoxFuture};

/// The time after which an idle connection is closed.
const IDLE: Duration = Duration::from_secs(30);

/// The reason why a request has no response.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TransportError {
    /// There was no connection: vacancy has certainly not received the request.
    #[error("no connection: {0}")]
    Connect(String),
    /// The connection broke: vacancy may have received the request.
    #[error("{0}")]
    Broken(String),
}

/// Sends requests.
pub trait Transport: Send + Sync + 'static {
    /// Sends `request`, whose URI is absolute. A body longer than `bytes_max` may be truncated.
    fn send(
        &self,
        request: Request<Vec<u8>>,
        bytes_max: usize,
    ) -> BoxFuture<'_, Result<Response<Vec<u8>>, TransportError>>;

    /// Makes further requests use new connections. A connection that stays in use may lead to
    /// another host that has taken over the address, and would lead there forever.
    fn reconnect(&self) {}
}

/// Sends requests over a pool of TCP connections.
pub struct Connections {
    link: VacancyLink,
    client: Mutex<Client>,
}

impl Connections {
    /// Creates a pool with the limits of `link`.
    pub fn new(link: &VacancyLink) -> Result<Self, reqwest::Error> {
        Ok(Self { link: link.clone(), client: Mutex::new(client(link)?) })
    }

    fn client(&self) -> Client {
        self.client.lock().clone()
    }
}

fn client(link: &VacancyLink) -> Result<Client, reqwest::Error> {
    Client::builder()
        .pool_max_idle_per_host(link.keepalive_max)
        .pool_idle_timeout(IDLE)
        // A fraction of the timeout of a call: after a host that vanished, another one is tried.
        .connect_timeout(link.timeout / 4)
        .tcp_nodelay(true)
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()
}

impl Transport for Connections {
    fn send(
        &self,
        request: Request<Vec<u8>>,
        bytes_max: usize,
    ) -> BoxFuture<'_, Result<Response<Vec<u8>>, TransportError>> {
        Box::pin(async move {
            let request = reqwest::Request::try_from(request).map_err(|error| failed(&error))?;
            let mut response =
                self.client().execute(request).await.map_err(|error| failed(&error))?;
            let announced = response
                .content_length()
                .map_or(0, |len| usize::try_from(len).unwrap_or(bytes_max).min(bytes_max));
            let mut body = Vec::with_capacity(announced);
            while let Some(chunk) = response.chunk().await.map_err(|error| failed(&error))? {
                body.extend_from_slice(&chunk);
                if body.len() > bytes_max {
                    break;
                }
            }
            let mut complete = Response::new(body);
            *complete.status_mut() = response.status();
            *complete.headers_mut() = std::mem::take(response.headers_mut());
            Ok(complete)
        })
    }

    fn reconnect(&self) {
        match client(&self.link) {
            Ok(fresh) => *self.client.lock() = fresh,
            Err(error) => tracing::error!(%error, "cannot recreate the HTTP client for vacancy"),
        }
    }
}

fn failed(error: &reqwest::Error) -> TransportError {
    // An invalid request has not been sent either.
    if error.is_connect() || error.is_builder() {
        TransportError::Connect(error.to_string())
    } else {
        TransportError::Broken(error.to_string())
    }
}
