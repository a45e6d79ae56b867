//! What carries a request to vacancy and an answer back: reqwest's pool of connections, or where
//! the network is a simulated one, something else.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use http::{Request, Response};
use reqwest::Client;
use thiserror::Error;

use super::super::BoxFuture;
use crate::client::VacancyLink;

/// How long a connection that nobody uses is kept.
const IDLE: Duration = Duration::from_secs(30);

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TransportError {
    /// There was no connection, so vacancy has certainly not seen the request.
    #[error("no connection: {0}")]
    Connect(String),
    /// It broke off; vacancy may have seen the request.
    #[error("{0}")]
    Broken(String),
}

/// Carries requests.
pub trait Transport: Send + Sync + 'static {
    /// Sends `request`, whose URI is absolute. Of an answer longer than `bytes_max` the rest may be
    /// left out.
    fn send(
        &self,
        request: Request<Vec<u8>>,
        bytes_max: usize,
    ) -> BoxFuture<'_, Result<Response<Vec<u8>>, TransportError>>;

    /// The next requests go over new connections: one that is kept in use may lead to somebody
    /// else, who has come by the address, and would do so for ever.
    fn renew(&self) {}
}

/// Over real connections.
pub struct Connections {
    link: VacancyLink,
    client: Mutex<Client>,
}

impl Connections {
    /// As many and for as long as `link` says.
    pub fn new(link: &VacancyLink) -> Result<Self, reqwest::Error> {
        Ok(Self { link: link.clone(), client: Mutex::new(client(link)?) })
    }

    fn client(&self) -> Client {
        self.client.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn client(link: &VacancyLink) -> Result<Client, reqwest::Error> {
    Client::builder()
        .pool_max_idle_per_host(link.keepalive_max)
        .pool_idle_timeout(IDLE)
        // Shorter than a call may take: a host that is gone without a word leaves time to try
        // another.
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
            let mut answer =
                self.client().execute(request).await.map_err(|error| failed(&error))?;
            let announced = answer
                .content_length()
                .map_or(0, |len| usize::try_from(len).unwrap_or(bytes_max).min(bytes_max));
            let mut body = Vec::with_capacity(announced);
            while let Some(chunk) = answer.chunk().await.map_err(|error| failed(&error))? {
                body.extend_from_slice(&chunk);
                if body.len() > bytes_max {
                    break;
                }
            }
            let mut response = Response::new(body);
            *response.status_mut() = answer.status();
            *response.headers_mut() = std::mem::take(answer.headers_mut());
            Ok(response)
        })
    }

    fn renew(&self) {
        match client(&self.link) {
            Ok(fresh) => *self.client.lock().unwrap_or_else(PoisonError::into_inner) = fresh,
            Err(error) => tracing::error!(%error, "connections to vacancy cannot be renewed"),
        }
    }
}

fn failed(error: &reqwest::Error) -> TransportError {
    // A request that cannot be made has not been sent either.
    if error.is_connect() || error.is_builder() {
        TransportError::Connect(error.to_string())
    } else {
        TransportError::Broken(error.to_string())
    }
}
