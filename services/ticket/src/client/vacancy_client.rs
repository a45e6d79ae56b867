//! The interface of all clients.

use std::{borrow::Cow, future::Future, pin::Pin};

use inventory::IdempotencyKey;
use vacancy_api::ReserveAnswer;

use super::{error::ClientError, purchase_request::PurchaseRequest};

/// A boxed future.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// vacancy is ready.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ready {
    /// Its version, if it is another process that says it.
    pub version: Option<String>,
}

/// Sells through vacancy, in this process or another one.
pub trait VacancyClient: Send + Sync + 'static {
    /// Returns a key for a purchase without one. A client that calls over no network returns
    /// `None`: it needs no retries, and storing a key has a cost.
    fn make_key(&self) -> Option<IdempotencyKey>;

    /// Sells, at most once per key.
    fn purchase(
        &self,
        purchase: PurchaseRequest,
    ) -> BoxFuture<'_, Result<ReserveAnswer, ClientError>>;

    /// Checks whether vacancy is ready. The error is a reason that may be public.
    fn ready(&self) -> BoxFuture<'_, Result<Ready, Cow<'static, str>>>;

    /// Returns the state of the circuit breaker, if the client has one.
    fn breaker(&self) -> Option<&'static str> {
        None
    }
}
