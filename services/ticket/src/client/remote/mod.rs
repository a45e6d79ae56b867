//! vacancy over HTTP.
//!
//! An order waits in [`gather`] until a call has room for it; [`flight`] makes the calls, past the
//! [`breaker`], and repeats what broke off; [`call`] is one call, and [`transport`] carries it.

mod breaker;
mod call;
mod chance;
mod flight;
mod gather;
mod metrics;
mod ready;
mod transport;

use std::{sync::Arc, time::Duration};

use breaker::Breaker;
pub use breaker::BreakerSettings;
use call::Caller;
pub use chance::Chance;
use flight::Flights;
pub use gather::GatherSettings;
use gather::{Gather, Waiting};
use inventory::IdempotencyKey;
use metrics::LinkMetrics;
use prometheus::Registry;
use ready::ReadyProbe;
use thiserror::Error;
use tokio::{sync::oneshot, time::Instant};
use tower::retry::budget::TpsBudget;
use transport::Connections;
pub use transport::{Transport, TransportError};
use vacancy_api::ReserveAnswer;

use super::{BoxFuture, ClientError, Order, VacancyClient, VacancyLink};

/// Repetitions are at most this part of all calls, and a few a second.
const RETRY_PART: f32 = 0.1;
const RETRIES_MIN_PER_S: u32 = 2;
const RETRY_WINDOW: Duration = Duration::from_secs(10);

/// The client could not be made.
#[derive(Debug, Error)]
pub enum SetupError {
    /// The HTTP client.
    #[error("the client for vacancy cannot be made: {0}")]
    Client(#[from] reqwest::Error),
    /// Where vacancy is.
    #[error("VACANCY_URL cannot be called: {0}")]
    Url(#[from] http::uri::InvalidUri),
    /// Its metrics.
    #[error("the metrics of the client for vacancy cannot be made: {0}")]
    Metrics(#[from] prometheus::Error),
}

/// Calls vacancy over a pool of connections, for several buyers at once when they come at once.
pub struct RemoteVacancyClient {
    timeout: Duration,
    gather: Arc<Gather>,
    flights: Arc<Flights>,
    probe: Arc<ReadyProbe>,
}

impl RemoteVacancyClient {
    /// A client for `link`.
    ///
    /// # Errors
    /// [`SetupError`].
    pub fn new(link: &VacancyLink) -> Result<Self, SetupError> {
        Self::over(link, Arc::new(Connections::new(link)?), Chance::default())
    }

    /// A client for `link` on another network than the real one.
    ///
    /// # Errors
    /// [`SetupError`].
    pub fn over(
        link: &VacancyLink,
        transport: Arc<dyn Transport>,
        chance: Chance,
    ) -> Result<Self, SetupError> {
        let (metrics, chance) = (LinkMetrics::new()?, Arc::new(chance));
        let probe = Arc::new(ReadyProbe::new(transport.clone(), &link.url)?);
        let flights = Flights {
            caller: Caller::new(transport, &link.url)?,
            breaker: Breaker::new(link.breaker, chance.clone(), metrics.breaker_opened.clone()),
            chance,
            budget: TpsBudget::new(RETRY_WINDOW, RETRIES_MIN_PER_S, RETRY_PART),
            retries_max: link.retries_max,
            metrics,
            probe: probe.clone(),
        };
        Ok(Self {
            timeout: link.timeout,
            gather: Gather::new(link.gather),
            flights: Arc::new(flights),
            probe,
        })
    }

    /// Shows it on `registry`.
    ///
    /// # Errors
    /// When one of the metrics is registered already.
    pub fn register(&self, registry: &Registry) -> Result<(), prometheus::Error> {
        self.flights.metrics.register(registry, self.gather.clone(), self.flights.breaker.clone())
    }

    async fn reserve(&self, order: Order) -> Result<ReserveAnswer, ClientError> {
        let (answer, told) = oneshot::channel();
        let since = Instant::now();
        // Nobody needs a timer of his own: whoever makes the call gives up at its deadline, and
        // drops what is late.
        let (deadline, send_by) = (since + self.timeout, since + self.timeout / 2);
        let waiting = Waiting { order, deadline, send_by, since, answer };
        match self.gather.add(waiting) {
            Ok(None) => {}
            Ok(Some(slot)) => {
                let flights = self.flights.clone();
                // On a task of its own: the buyer whose order began it may leave, the others stay.
                tokio::spawn(async move { flights.fly(slot).await });
            }
            Err(_) => return Err(ClientError::Overloaded { retry_after_s: 1 }),
        }
        let mut answer = told.await.unwrap_or(Err(ClientError::Unknown))?;
        if answer.success {
            "Purchase successful!".clone_into(&mut answer.message);
        }
        Ok(answer)
    }
}

impl VacancyClient for RemoteVacancyClient {
    /// Every call has a key, so that a repetition below or above this layer sells once. Keys made
    /// one after the other lie one behind the other in vacancy's table (UUID version 7), which
    /// costs it less than keys all over the place.
    fn make_key(&self) -> Option<IdempotencyKey> {
        let mut key = *b"ticket-00000000000000000000000000000000";
        uuid::Uuid::now_v7().simple().encode_lower(&mut key["ticket-".len()..]);
        IdempotencyKey::new(std::str::from_utf8(&key).ok()?).ok()
    }

    fn purchase(&self, order: Order) -> BoxFuture<'_, Result<ReserveAnswer, ClientError>> {
        Box::pin(self.reserve(order))
    }

    fn ready(&self) -> BoxFuture<'_, Result<(), &'static str>> {
        Box::pin(self.probe.ask())
    }

    fn breaker(&self) -> Option<&'static str> {
        Some(self.flights.breaker.show().as_str())
    }
}
