//! The way to vacancy.

mod link;
mod local;
mod refusals;
mod remote;

use std::{future::Future, pin::Pin, time::Duration};

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use http_server::{
    Problem,
    middleware::{REQUEST_ID, TRACEPARENT},
};
use inventory::{CustomerId, IdempotencyKey};
pub use link::VacancyLink;
pub use local::LocalVacancyClient;
pub use remote::{
    BreakerSettings, Chance, GatherSettings, RemoteVacancyClient, SetupError, Transport,
    TransportError,
};
use thiserror::Error;
use vacancy_api::ReserveAnswer;

/// The header of a key, to vacancy and back to the buyer.
pub const IDEMPOTENCY_KEY: HeaderName = http_server::extract::IdempotencyKey::HEADER;

/// A wish to buy, as it goes to vacancy.
#[derive(Debug, Clone)]
pub struct Order {
    /// How many.
    pub qty: u64,
    /// Whose.
    pub customer: Option<CustomerId>,
    /// The buyer's key, or the one made for the order.
    pub key: Option<IdempotencyKey>,
    /// What lets the request be followed through both services.
    pub trace: Trace,
}

impl Order {
    /// The most bytes it may have in the body of a call, escapes included.
    #[must_use]
    pub fn wire_bytes_max(&self) -> usize {
        const MEMBERS: usize = 96;
        let text = |text: Option<&str>| text.map_or(0, |text| text.len() * 2);
        MEMBERS
            + text(self.key.as_ref().map(IdempotencyKey::as_str))
            + text(self.customer.as_ref().map(CustomerId::as_str))
    }
}

/// Headers that are passed on to vacancy.
#[derive(Debug, Clone, Default)]
pub struct Trace {
    request_id: Option<HeaderValue>,
    traceparent: Option<HeaderValue>,
}

impl Trace {
    /// Those of a request.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Self {
        Self {
            request_id: headers.get(REQUEST_ID).cloned(),
            traceparent: headers.get(TRACEPARENT).cloned(),
        }
    }

    /// The span of the request.
    #[must_use]
    pub fn traceparent(&self) -> Option<&HeaderValue> {
        self.traceparent.as_ref()
    }

    /// The same request, in another span.
    #[must_use]
    pub fn within(&self, traceparent: Option<HeaderValue>) -> Self {
        Self {
            request_id: self.request_id.clone(),
            traceparent: traceparent.or_else(|| self.traceparent.clone()),
        }
    }

    /// Puts them on a call.
    fn put_on(self, headers: &mut HeaderMap) {
        for (name, value) in [(REQUEST_ID, self.request_id), (TRACEPARENT, self.traceparent)] {
            if let Some(value) = value {
                headers.insert(name, value);
            }
        }
    }
}

/// Why there is no answer to an order.
#[derive(Debug, Clone, Error)]
pub enum ClientError {
    /// vacancy refused; the problem says why.
    #[error("{problem}")]
    Refused {
        /// What the buyer is told.
        problem: Box<Problem>,
        /// Where in the ledger it was decided.
        seq: Option<u64>,
    },
    /// vacancy could not be asked; nothing was done.
    #[error("vacancy cannot be reached")]
    Unreachable,
    /// vacancy has failed again and again, and is left alone for a while; nothing was done.
    #[error("vacancy is left alone for a while")]
    Shut {
        /// How long still.
        pause: Duration,
    },
    /// vacancy did not answer in time, or not in a way that makes sense: whether it sold is
    /// unknown.
    #[error("vacancy did not answer")]
    Unknown,
    /// vacancy, or the way to it, has too much to do; nothing was done.
    #[error("vacancy is overloaded")]
    Overloaded {
        /// When to come again, seconds.
        retry_after_s: u32,
    },
}

impl ClientError {
    /// What the buyer is told, and the `seq` of the decision if there was one.
    #[must_use]
    pub fn into_problem(self) -> (Problem, Option<u64>) {
        let unavailable = |detail: &'static str| {
            Problem::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "vacancy_unavailable",
                "Vacancy service unavailable",
                detail,
            )
            .retry_after_about_s(1)
        };
        match self {
            Self::Refused { problem, seq } => (*problem, seq),
            Self::Unreachable => (
                unavailable("The vacancy service cannot be reached. Nothing was sold; try again."),
                None,
            ),
            Self::Shut { pause } => {
                let detail = "The vacancy service fails, and is left alone for a moment. Nothing was sold; try again.";
                let retry_after_s =
                    u32::try_from(pause.as_secs()).unwrap_or(u32::MAX).saturating_add(1);
                (unavailable(detail).retry_after_about_s(retry_after_s), None)
            }
            Self::Unknown => (
                unavailable(
                    "The vacancy service did not answer. Try again with the same Idempotency-Key: it sells once at most.",
                ),
                None,
            ),
            Self::Overloaded { retry_after_s } => (
                Problem::overloaded(
                    "Too many buyers at once. Nothing was sold; try again.",
                    retry_after_s,
                ),
                None,
            ),
        }
    }
}

/// A future on the heap.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// vacancy, wherever it runs.
pub trait VacancyClient: Send + Sync + 'static {
    /// A key for an order that came without one; `None` where no network lies between, so that a
    /// key would only cost.
    fn make_key(&self) -> Option<IdempotencyKey>;

    /// Sells, once for each key.
    fn purchase(&self, order: Order) -> BoxFuture<'_, Result<ReserveAnswer, ClientError>>;

    /// Whether it is ready; the error says why not, in words fit for the public.
    fn ready(&self) -> BoxFuture<'_, Result<(), &'static str>>;

    /// The state of the circuit breaker in between, where there is one.
    fn breaker(&self) -> Option<&'static str> {
        None
    }
}
