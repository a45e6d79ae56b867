//! The way to vacancy.

mod local;
mod refusals;
mod remote;

use std::future::Future;
use std::pin::Pin;

use http::{HeaderName, StatusCode};
use inventory::{CustomerId, IdempotencyKey};
use serving::Problem;
use thiserror::Error;
use vacancy::wire::ReserveAnswer;

pub use local::LocalVacancyClient;
pub use remote::{RemoteVacancyClient, SetupError};

/// The header of a key, to vacancy and back to the buyer.
pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static(serving::extract::IdempotencyKey::HEADER);

/// A key as a structured-field string (RFC 9651): the bare form could not carry every key.
#[must_use]
pub fn quoted(key: &IdempotencyKey) -> String {
    format!("\"{}\"", key.as_str().replace('\\', "\\\\").replace('"', "\\\""))
}

/// A wish to buy, as it goes to vacancy.
#[derive(Debug, Clone)]
pub struct Order {
    /// How many.
    pub qty: u64,
    /// Whose.
    pub customer: Option<CustomerId>,
    /// The buyer's key, or the one made for the order.
    pub key: Option<IdempotencyKey>,
    /// Headers that let one request be followed through both services: `x-request-id`, `traceparent`.
    pub trace: http::HeaderMap,
}

/// Why there is no answer to an order.
#[derive(Debug, Error)]
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
    /// vacancy did not answer in time, or not in a way that makes sense: whether it sold is unknown.
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
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "vacancy_unavailable", "Vacancy service unavailable", detail).retry_after_s(1)
        };
        match self {
            Self::Refused { problem, seq } => (*problem, seq),
            Self::Unreachable => (unavailable("The vacancy service cannot be reached. Nothing was sold; try again."), None),
            Self::Unknown => {
                (unavailable("The vacancy service did not answer. Try again with the same Idempotency-Key: it sells once at most."), None)
            }
            Self::Overloaded { retry_after_s } => {
                (Problem::overloaded("Too many buyers at once. Nothing was sold; try again.", retry_after_s), None)
            }
        }
    }
}

/// A future on the heap.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// vacancy, wherever it runs.
pub trait VacancyClient: Send + Sync + 'static {
    /// A key for an order that came without one; `None` where no network lies between, so that a key would only cost.
    fn make_key(&self) -> Option<IdempotencyKey>;

    /// Sells, once for each key.
    fn purchase(&self, order: Order) -> BoxFuture<'_, Result<ReserveAnswer, ClientError>>;

    /// Whether it is ready; the error says why not, in words fit for the public.
    fn ready(&self) -> BoxFuture<'_, Result<(), &'static str>>;
}
