//! The connections to one endpoint of vacancy: a pool of reqwest.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use http::{Request, Response};
use parking_lot::Mutex;
use public_api::BoxFuture;
use reqwest::{Client, Url};
use tokio::{net::TcpStream, time::timeout};

use super::{
    super::link_settings::VacancyLink,
    connector::Connector,
    transport::{Chunks, Opened, Transport, TransportError},
};

/// The time after which an idle connection is closed.
const IDLE: Duration = Duration::from_secs(30);

/// Opens pools of TCP connections.
pub struct TcpConnector {
    pool: PoolSettings,
    port: u16,
}

#[derive(Clone)]
struct PoolSettings {
    /// The host of VACANCY_URL. Requests keep it in their URL, so that it stays the `Host` header
    /// and, with TLS, the name that a certificate is verified against.
    host: String,
    idle_max: usize,
    connect_timeout: Duration,
}

impl TcpConnector {
    /// Opens pools with the limits of `link`, to the host and port of its URL.
    pub fn new(link: &VacancyLink, url: &Url) -> Self {
        Self {
            pool: PoolSettings {
                host: url.host_str().unwrap_or_default().to_owned(),
                idle_max: link.keepalive_max,
                connect_timeout: link.connect_timeout(),
            },
            port: url.port_or_known_default().unwrap_or_default(),
        }
    }
}

impl Connector for TcpConnector {
    fn open(&self, ip: IpAddr) -> Result<Box<dyn Transport>, String> {
        let pool = Pool { settings: self.pool.clone(), ip, client: Mutex::default() };
        *pool.client.lock() = pool.settings.client(ip).map_err(|error| error.to_string())?;
        Ok(Box::new(pool))
    }

    fn accepts(&self, ip: IpAddr) -> BoxFuture<'_, bool> {
        let connected = TcpStream::connect(SocketAddr::new(ip, self.port));
        let connected = timeout(self.pool.connect_timeout, connected);
        Box::pin(async move { matches!(connected.await, Ok(Ok(_))) })
    }
}

impl PoolSettings {
    fn client(&self, ip: IpAddr) -> Result<Client, reqwest::Error> {
        Client::builder()
            // The port of the URL wins over the one given here.
            .resolve(&self.host, SocketAddr::new(ip, 0))
            .pool_max_idle_per_host(self.idle_max)
            .pool_idle_timeout(IDLE)
            .connect_timeout(self.connect_timeout)
            .tcp_nodelay(true)
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()
    }
}

/// Sends requests over a pool of TCP connections to one address.
struct Pool {
    settings: PoolSettings,
    ip: IpAddr,
    client: Mutex<Client>,
}

impl Pool {
    fn client(&self) -> Client {
        self.client.lock().clone()
    }
}

impl Transport for Pool {
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

    fn open(&self, request: Request<Vec<u8>>) -> BoxFuture<'_, Result<Opened, TransportError>> {
        Box::pin(async move {
            let request = reqwest::Request::try_from(request).map_err(|error| failed(&error))?;
            let response = self.client().execute(request).await.map_err(|error| failed(&error))?;
            Ok((response.status(), Box::new(Body(response)) as Box<dyn Chunks>))
        })
    }

    fn reconnect(&self) {
        match self.settings.client(self.ip) {
            Ok(fresh) => *self.client.lock() = fresh,
            Err(error) => tracing::error!(%error, "cannot recreate the HTTP client for vacancy"),
        }
    }
}

/// The body of a response that goes on.
struct Body(reqwest::Response);

impl Chunks for Body {
    fn next(&mut self) -> BoxFuture<'_, Result<Option<Vec<u8>>, TransportError>> {
        Box::pin(async move {
            let chunk = self.0.chunk().await.map_err(|error| failed(&error))?;
            Ok(chunk.map(Into::into))
        })
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
