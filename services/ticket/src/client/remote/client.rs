//! [`RemoteVacancyClient`]: batcher, dispatcher, readings and readiness probe, put together.

use std::{borrow::Cow, sync::Arc, time::Duration};

use draw::Leaf;
use http_server::extract;
use inventory::{EventName, HoldId, IdempotencyKey, StockName};
use prometheus::Registry;
use public_api::{
    BoxFuture, ClientError, EventReading, EventsPage, Ready, ReservationRequest, TraceHeaders,
    VacancyClient, WriteRequest,
};
use thiserror::Error;
use tokio::{
    sync::{oneshot, watch},
    time::Instant,
};
use vacancy_api::{Answer, BatchEntry, Hold, LeavesPage, Operation, PlaceReading, ReservationList};

use super::{
    super::{link_settings::VacancyLink, refusals::for_caller},
    balanced::Balanced,
    batcher::Batcher,
    breaker::Breaker,
    caller::Caller,
    connections::TcpConnector,
    dispatcher::Dispatcher,
    entries::{self, defect, found, lookup},
    jitter::Jitter,
    metrics::{LinkMetrics, register_endpoints, register_readings},
    outage::Outage,
    pending::{LinkReply, Pending},
    readings::{Cell, Readings},
    ready_probe::ReadyProbe,
    request::LinkRequest,
    resolver::{Resolver, SystemResolver},
    retry::RetryPolicy,
    subscription::Subscription,
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

/// Calls vacancy over a pool of connections. Requests that arrive together share a call, and reads
/// of events share one subscription.
#[derive(Clone)]
pub struct RemoteVacancyClient {
    timeout: Duration,
    batcher: Arc<Batcher>,
    dispatcher: Arc<Dispatcher>,
    probe: Arc<ReadyProbe>,
    transport: Arc<dyn Transport>,
    readings: Arc<Readings>,
    url: String,
    jitter: Arc<Jitter>,
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
        let readings = Readings::new();
        let probe = Arc::new(ReadyProbe::new(transport.clone(), &link.url)?);
        let dispatcher = Dispatcher {
            caller: Caller::new(transport.clone(), &link.url, link.seller_tokens.clone())?,
            breaker: Breaker::new(link.breaker, jitter.clone(), metrics.breaker_opened.clone()),
            retry_policy: RetryPolicy::new(link.retries_max, jitter.clone()),
            outage: Outage::new(link.reconnect_wait),
            metrics,
            probe: probe.clone(),
            readings: readings.clone(),
        };
        Ok(Self {
            timeout: link.timeout,
            batcher: Batcher::new(link.batcher),
            dispatcher: Arc::new(dispatcher),
            probe,
            transport,
            readings,
            url: link.url.clone(),
            jitter,
        })
    }

    /// Returns the work that keeps readings current, to be run beside the server.
    ///
    /// # Errors
    /// [`SetupError`].
    pub fn follow(&self) -> Result<impl Future<Output = ()> + Send + 'static, SetupError> {
        let (transport, readings) = (self.transport.clone(), self.readings.clone());
        let subscription = Subscription::new(transport, &self.url, readings, self.jitter.clone())?;
        Ok(subscription.run())
    }

    /// Registers the metrics of the client.
    ///
    /// # Errors
    /// When one of them is registered already.
    pub fn register(&self, registry: &Registry) -> Result<(), prometheus::Error> {
        let (batcher, breaker) = (self.batcher.clone(), self.dispatcher.breaker.clone());
        self.dispatcher.metrics.register(registry, batcher, breaker)?;
        register_endpoints(registry, &self.transport)?;
        register_readings(registry, &self.readings)
    }

    /// Sends `request` with the next call, and waits for its reply until `deadline` or the timeout
    /// of calls.
    async fn ask(
        &self,
        request: LinkRequest,
        deadline: Option<Instant>,
    ) -> Result<LinkReply, ClientError> {
        let caller = request.caller;
        let (reply_to, reply) = oneshot::channel();
        let enqueued_at = Instant::now();
        // No request needs a timer of its own: the call ends at its deadline, and the dispatcher
        // drops requests that are late.
        let own = enqueued_at + self.timeout;
        let deadline = deadline.map_or(own, |deadline| deadline.clamp(enqueued_at, own));
        let send_by = enqueued_at + (deadline - enqueued_at) / 2;
        let held = Duration::ZERO;
        let pending = Pending { request, deadline, send_by, enqueued_at, held, reply_to };
        match self.batcher.add(pending) {
            Ok(None) => {}
            Ok(Some(slot)) => {
                let dispatcher = self.dispatcher.clone();
                // A separate task: the first caller may disconnect, and the others still wait.
                tokio::spawn(async move { dispatcher.run(slot).await });
            }
            Err(_) => return Err(ClientError::Overloaded { retry_after_s: 1 }),
        }
        let reply = reply.await.unwrap_or(Err(ClientError::Unknown));
        reply.map_err(|error| for_caller(error, caller))
    }

    async fn decide(&self, request: WriteRequest) -> Result<Answer, ClientError> {
        let deadline = request.deadline;
        let Some(request) = LinkRequest::write(request) else { return Err(defect()) };
        match self.ask(request, deadline).await? {
            LinkReply::Decided(Answer::Sale(mut sale)) => {
                if sale.success {
                    "Purchase successful!".clone_into(&mut sale.message);
                }
                Ok(Answer::Sale(sale))
            }
            LinkReply::Decided(answer) => Ok(answer),
            _ => Err(defect()),
        }
    }

    async fn read_event(
        &self,
        event: &EventName,
        at_least: Option<u64>,
    ) -> Result<Option<EventReading>, ClientError> {
        let Some(cell) = self.readings.cell(event) else { return self.ask_event(event).await };
        if let Some(reading) = self.cached(&cell, at_least) {
            return Ok(Some(reading));
        }
        let _turn = cell.asking.lock().await;
        match self.cached(&cell, at_least) {
            Some(reading) => Ok(Some(reading)),
            None => self.ask_event(event).await,
        }
    }

    /// The event from the readings, if they are good enough: current, or as good as it gets while
    /// vacancy is away.
    fn cached(&self, cell: &Cell, at_least: Option<u64>) -> Option<EventReading> {
        let Some(age) = self.readings.stale() else {
            let stale = cell.stale();
            return cell.current(at_least).map(|frame| EventReading { frame, stale });
        };
        let frame = cell.last();
        let is_behind = at_least.is_some_and(|seq| seq > frame.event.seq);
        (!is_behind).then_some(EventReading { frame, stale: Some(age) })
    }

    async fn ask_event(&self, event: &EventName) -> Result<Option<EventReading>, ClientError> {
        let entry =
            BatchEntry { event: Some(event.clone()), ..BatchEntry::new(Operation::ReadEvent) };
        let reply = self.ask(LinkRequest::read(entry, TraceHeaders::default()), None).await;
        match found(reply, "event_not_found")? {
            None => Ok(None),
            Some(LinkReply::Event(frame)) => {
                let stale = frame.event.stale.then_some(Duration::ZERO);
                Ok(Some(EventReading { frame: Arc::new(*frame), stale }))
            }
            Some(_) => Err(defect()),
        }
    }

    async fn read_hold(
        &self,
        hold: HoldId,
        trace: TraceHeaders,
    ) -> Result<Option<Hold>, ClientError> {
        let entry = BatchEntry { id: Some(hold), ..BatchEntry::new(Operation::ReadHold) };
        let reply = self.ask(LinkRequest::read(entry, trace), None).await;
        match found(reply, "hold_not_found")? {
            None => Ok(None),
            Some(LinkReply::Hold(hold)) => Ok(Some(*hold)),
            Some(_) => Err(defect()),
        }
    }
}

fn parse(url: &str) -> Result<reqwest::Url, SetupError> {
    reqwest::Url::parse(url).map_err(|_| SetupError::NoHost)
}

impl VacancyClient for RemoteVacancyClient {
    /// Every write has a key, so that a retry by ticket or below it has one effect. The keys are
    /// UUIDs of version 7: consecutive keys are neighbours in vacancy's table, and inserting them
    /// costs less than inserting random ones.
    fn make_key(&self) -> Option<IdempotencyKey> {
        let mut key = *b"ticket-00000000000000000000000000000000";
        uuid::Uuid::now_v7().simple().encode_lower(&mut key["ticket-".len()..]);
        IdempotencyKey::new(std::str::from_utf8(&key).ok()?).ok()
    }

    fn write(&self, request: WriteRequest) -> BoxFuture<'_, Result<Answer, ClientError>> {
        Box::pin(self.decide(request))
    }

    fn try_available(&self, event: &EventName, stock: &StockName) -> Option<u64> {
        let available = self.readings.look(event, |frame| {
            frame.event.stocks.get(stock.as_str()).map(|counts| counts.available)
        });
        available.flatten()
    }

    fn event<'a>(
        &'a self,
        event: &'a EventName,
        at_least: Option<u64>,
    ) -> BoxFuture<'a, Result<Option<EventReading>, ClientError>> {
        Box::pin(self.read_event(event, at_least))
    }

    fn events<'a>(
        &'a self,
        after: Option<&'a EventName>,
        limit: usize,
    ) -> BoxFuture<'a, Result<EventsPage, ClientError>> {
        let page = self.readings.page(after, limit);
        let page = page.map(|(events, more)| EventsPage { events, more });
        Box::pin(std::future::ready(page.ok_or(ClientError::Unreachable)))
    }

    fn hold(
        &self,
        hold: HoldId,
        trace: TraceHeaders,
    ) -> BoxFuture<'_, Result<Option<Hold>, ClientError>> {
        Box::pin(self.read_hold(hold, trace))
    }

    fn reservations(
        &self,
        request: ReservationRequest,
        trace: TraceHeaders,
    ) -> BoxFuture<'_, Result<ReservationList, ClientError>> {
        Box::pin(async move {
            let request = LinkRequest {
                caller: extract::Caller::Seller,
                ..LinkRequest::read(lookup(request), trace)
            };
            match self.ask(request, None).await? {
                LinkReply::Reservations(page) => Ok(page),
                _ => Err(defect()),
            }
        })
    }

    fn place<'a>(
        &'a self,
        event: &'a EventName,
        leaf: Leaf,
    ) -> BoxFuture<'a, Result<Option<PlaceReading>, ClientError>> {
        Box::pin(async move {
            let entry = entries::place(event, leaf);
            let reply = self.ask(LinkRequest::read(entry, TraceHeaders::default()), None).await;
            match found(reply, "place_invalid")? {
                None => Ok(None),
                Some(LinkReply::Place(place)) => Ok(Some(place)),
                Some(_) => Err(defect()),
            }
        })
    }

    fn leaves<'a>(
        &'a self,
        event: &'a EventName,
        after: u64,
    ) -> BoxFuture<'a, Result<LeavesPage, ClientError>> {
        Box::pin(async move {
            let entry = entries::leaves(event, after);
            match self.ask(LinkRequest::read(entry, TraceHeaders::default()), None).await? {
                LinkReply::Leaves(page) => Ok(page),
                _ => Err(defect()),
            }
        })
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.readings.changes()
    }

    fn ready(&self) -> BoxFuture<'_, Result<Ready, Cow<'static, str>>> {
        Box::pin(self.probe.check())
    }

    fn breaker(&self) -> Option<&'static str> {
        Some(self.dispatcher.breaker.state().as_str())
    }
}
