//! The client for HTTP calls to pods and Services, within the cluster.

use std::time::Duration;

use http_body_util::{BodyExt, Empty, Limited};
use hyper::{
    Response,
    body::{Bytes, Incoming},
};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};

/// A client whose requests have no body.
pub type HttpClient = Client<HttpConnector, Empty<Bytes>>;

/// A client that keeps no connections: each system is called now and then.
pub fn client(connect_timeout: Duration) -> HttpClient {
    let mut connector = HttpConnector::new();
    connector.set_connect_timeout(Some(connect_timeout));
    Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build(connector)
}

/// The body of `response`. `None` if it ends early, or is longer than `max_bytes`.
pub async fn body_of(response: Response<Incoming>, max_bytes: usize) -> Option<Bytes> {
    let body = Limited::new(response.into_body(), max_bytes).collect().await;
    body.map(http_body_util::Collected::to_bytes).ok()
}
