//! The transport over all endpoints of vacancy.

use std::{sync::Arc, time::Duration};

use http::{Request, Response};
use parking_lot::Mutex;
use public_api::BoxFuture;
use tokio::{
    sync::watch::{Receiver, Sender, channel},
    time::timeout,
};

use super::{
    super::link_settings::EndpointSettings,
    balancer::Balancer,
    connector::Connector,
    jitter::Jitter,
    resolver::Resolver,
    transport::{EndpointCounts, Opened, Transport, TransportError},
    watch::watch,
};

/// Sends each request to one of the endpoints that a [`Resolver`] returns.
pub struct Balanced {
    balancer: Arc<Balancer>,
    resolver: Arc<dyn Resolver>,
    settings: EndpointSettings,
    /// The longest wait for the first endpoints.
    first_wait: Duration,
    known: Receiver<bool>,
    /// Starts the watch with the first request: no runtime may exist before.
    starter: Mutex<Option<Sender<bool>>>,
}

impl Balanced {
    /// Sends over the connections of `connector`. The first request waits for endpoints, but at
    /// most `first_wait`.
    #[must_use]
    pub fn new(
        connector: Arc<dyn Connector>,
        resolver: Arc<dyn Resolver>,
        jitter: Arc<Jitter>,
        settings: EndpointSettings,
        first_wait: Duration,
    ) -> Self {
        let (starter, known) = channel(false);
        Self {
            balancer: Arc::new(Balancer::new(connector, jitter, settings.connection_age)),
            resolver,
            settings,
            first_wait,
            known,
            starter: Mutex::new(Some(starter)),
        }
    }

    async fn endpoints_known(&self) {
        if *self.known.borrow() {
            return;
        }
        if let Some(starter) = self.starter.lock().take() {
            let (balancer, resolver) = (Arc::downgrade(&self.balancer), self.resolver.clone());
            tokio::spawn(watch(balancer, resolver, self.settings.resolve_interval, starter));
        }
        let mut known = self.known.clone();
        let _ = timeout(self.first_wait, known.wait_for(|known| *known)).await;
    }
}

impl Transport for Balanced {
    fn send(
        &self,
        request: Request<Vec<u8>>,
        bytes_max: usize,
    ) -> BoxFuture<'_, Result<Response<Vec<u8>>, TransportError>> {
        Box::pin(async move {
            self.endpoints_known().await;
            let Some(endpoint) = self.balancer.pick() else {
                self.balancer.ask_resolution();
                return Err(TransportError::Connect("vacancy has no address".to_owned()));
            };
            let call = endpoint.begin();
            let result = endpoint.transport.send(request, bytes_max).await;
            call.end(&result);
            if matches!(result, Err(TransportError::Connect(_))) {
                self.balancer.ask_resolution();
            }
            result
        })
    }

    fn open(&self, request: Request<Vec<u8>>) -> BoxFuture<'_, Result<Opened, TransportError>> {
        Box::pin(async move {
            self.endpoints_known().await;
            let Some(endpoint) = self.balancer.pick() else {
                self.balancer.ask_resolution();
                return Err(TransportError::Connect("vacancy has no address".to_owned()));
            };
            let call = endpoint.begin();
            let result = endpoint.transport.open(request).await;
            call.end(&result);
            result
        })
    }

    fn reconnect(&self) {
        self.balancer.reconnect();
    }

    fn endpoints(&self) -> EndpointCounts {
        let endpoints = self.balancer.endpoints();
        EndpointCounts {
            known: endpoints.len(),
            left_out: endpoints.iter().filter(|endpoint| !endpoint.is_up()).count(),
            in_flight: endpoints.iter().map(|endpoint| endpoint.in_flight()).sum(),
        }
    }
}
