//! The interface of the connections to vacancy: sockets, or a simulated network in tests.

use http::{Request, Response, StatusCode};
use public_api::BoxFuture;
use thiserror::Error;

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

    /// Sends `request`, whose response goes on without end.
    fn open(&self, _request: Request<Vec<u8>>) -> BoxFuture<'_, Result<Opened, TransportError>> {
        Box::pin(async { Err(TransportError::Connect("this transport has no streams".to_owned())) })
    }

    /// Makes further requests use new connections. A connection that stays in use may lead to
    /// another host that has taken over the address, and would lead there forever.
    fn reconnect(&self) {}

    /// Returns the endpoints behind it, for metrics.
    fn endpoints(&self) -> EndpointCounts {
        EndpointCounts { known: 1, ..EndpointCounts::default() }
    }
}

/// A response that goes on.
pub type Opened = (StatusCode, Box<dyn Chunks>);

/// The body of a response, as it arrives.
pub trait Chunks: Send {
    /// Waits for the next part. `None` is the end.
    fn next(&mut self) -> BoxFuture<'_, Result<Option<Vec<u8>>, TransportError>>;
}

/// The endpoints of vacancy, in numbers.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct EndpointCounts {
    /// Endpoints that the name of vacancy resolves to.
    pub known: usize,
    /// Those of them that get no calls for now.
    pub left_out: usize,
    /// Calls in flight to all of them.
    pub in_flight: usize,
}
