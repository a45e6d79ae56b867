//! [`RemoteVacancyClient`]: batcher, dispatcher and readiness probe, put together.

use std::{borrow::Cow, sync::Arc, time::Duration};

use inventory::IdempotencyKey;
use prometheus::Registry;
use thiserror::Error;
use tokio::{sync::oneshot, time::Instant};
use vacancy_api::ReserveAnswer;

use super::{
    super::{
        error::ClientError,
        link_settings::VacancyLink,
        purchase_request::PurchaseRequest,
        refusals::for_caller,
        vacancy_client::{BoxFuture, Ready, VacancyClient},
    },
    balanced::Balanced,
    batcher::Batcher,
    breaker::Breaker,
    caller::Caller,
    connections::TcpConnector,
    dispatcher::Dispatcher,
    jitter::Jitter,
    metrics::{LinkMetrics, register_endpoints},
    outage::Outage,
    pending::Pending,
    ready_probe::ReadyProbe,
    resolver::{Resolver, SystemResolver},
    retry::RetryPolicy,
    transport::Transport,
};

/// The client could not be created.
#[derive(Debug, Error)]
pub enum SetupError {
    /// The URL of vacancy is not usable.
    #[error("VACANCY_URL is not usable: {0}")]
    Url(#[from] http::uri::InvalidUri),
    /// The URL of vacancy has no host.
    #[error("VACANCY_URL is not usable: it has no host")]
    NoHost,
    /// A metric is invalid.
    #[error("cannot create the vacancy client's metrics: {0}")]
    Metrics(#[from] prometheus::Error),
}

/// Calls vacancy over a pool of connections. Purchases that arrive together share a call.
pub struct RemoteVacancyClient {
    timeout: Duration,
    batcher: Arc<Batcher>,
    dispatcher: Arc<Dispatcher>,
    probe: Arc<ReadyProbe>,
    transport: Arc<dyn Transport>,
}

impl RemoteVacancyClient {
    /// Creates a client for `link`.
    ///
    /// # Errors
    /// [`SetupError`].
    pub fn new(link: &VacancyLink) -> Result<Self, SetupError> {
        let url = parse(&link.url)?;
        let host = url.host_str().ok_or(SetupError::NoHost)?;
        Self::with_resolver(link, Arc::new(SystemResolver::new(host)))
    }

    /// Creates a client for `link` that calls the addresses of `resolver`, whatever the host of
    /// its URL is.
    ///
    /// # Errors
    /// [`SetupError`].
    pub fn with_resolver(
        link: &VacancyLink,
        resolver: Arc<dyn Resolver>,
    ) -> Result<Self, SetupError> {
        let connector = Arc::new(TcpConnector::new(link, &parse(&link.url)?));
        let transport = Balanced::new(
            connector,
            resolver,
            Arc::default(),
            link.endpoints,
            link.connect_timeout(),
        );
        Self::with_transport(link, Arc::new(transport), Jitter::default())
    }

    /// Creates a client for `link` that uses `transport` and `jitter`, for simulations.
    ///
    /// # Errors
    /// [`SetupError`].
    pub fn with_transport(
        link: &VacancyLink,
        transport: Arc<dyn Transport>,
        jitter: Jitter,
    ) -> Result<Self, SetupError> {
        let (metrics, jitter) = (LinkMetrics::new()?, Arc::new(jitter));
        let probe = Arc::new(ReadyProbe::new(transport.clone(), &link.url)?);
        let dispatcher = Dispatcher {
            caller: Caller::new(transport.clone(), &link.url, link.seller_tokens.clone())?,
            breaker: Breaker::new(link.breaker, jitter.clone(), metrics.breaker_opened.clone()),
            retry_policy: RetryPolicy::new(link.retries_max, jitter),
            outage: Outage::new(link.reconnect_wait),
            metrics,
            probe: probe.clone(),
        };
        Ok(Self {
            timeout: link.timeout,
            batcher: Batcher::new(link.batcher),
            dispatcher: Arc::new(dispatcher),
            probe,
            transport,
        })
    }

    /// Registers the metrics of the client.
    ///
    /// # Errors
    /// When one of them is registered already.
    pub fn register(&self, registry: &Registry) -> Result<(), prometheus::Error> {
        let (batcher, breaker) = (self.batcher.clone(), self.dispatcher.breaker.clone());
        self.dispatcher.metrics.register(registry, batcher, breaker)?;
        register_endpoints(registry, &self.transport)
    }

    async fn reserve(&self, purchase: PurchaseRequest) -> Result<ReserveAnswer, ClientError> {
        let caller = purchase.caller;
        let (reply_to, reply) = oneshot::channel();
        let enqueued_at = Instant::now();
        // No purchase needs a timer of its own: the call ends at its deadline, and the dispatcher
        // drops purchases that are late.
        let (deadline, send_by) = (enqueued_at + self.timeout, enqueued_at + self.timeout / 2);
        let held = Duration::ZERO;
        let pending = Pending { purchase, deadline, send_by, enqueued_at, held, reply_to };
        match self.batcher.add(pending) {
            Ok(None) => {}
            Ok(Some(slot)) => {
                let dispatcher = self.dispatcher.clone();
                // A separate task: the first buyer may disconnect, and the others still wait.
                tokio::spawn(async move { dispatcher.run(slot).await });
            }
            Err(_) => return Err(ClientError::Overloaded { retry_after_s: 1 }),
        }
        let reply = reply.await.unwrap_or(Err(ClientError::Unknown));
        let mut answer = reply.map_err(|error| for_caller(error, caller))?;
        if answer.success {
            "Purchase successful!".clone_into(&mut answer.message);
        }
        Ok(answer)
    }
}

fn parse(url: &str) -> Result<reqwest::Url, SetupError> {
    reqwest::Url::parse(url).map_err(|_| SetupError::NoHost)
}

impl VacancyClient for RemoteVacancyClient {
    /// Every purchase has a key, so that a retry by ticket or below it sells once. The keys are
    /// UUIDs of version 7: consecutive keys are neighbours in vacancy's table, and inserting them
    /// costs less than inserting random ones.
    fn make_key(&self) -> Option<IdempotencyKey> {
        let mut key = *b"ticket-00000000000000000000000000000000";
        uuid::Uuid::now_v7().simple().encode_lower(&mut key["ticket-".len()..]);
        IdempotencyKey::new(std::str::from_utf8(&key).ok()?).ok()
    }

    fn purchase(
        &self,
        purchase: PurchaseRequest,
    ) -> BoxFuture<'_, Result<ReserveAnswer, ClientError>> {
        Box::pin(self.reserve(purchase))
    }

    fn ready(&self) -> BoxFuture<'_, Result<Ready, Cow<'static, str>>> {
        Box::pin(self.probe.check())
    }

    fn breaker(&self) -> Option<&'static str> {
        Some(self.dispatcher.breaker.state().as_str())
    }
}
