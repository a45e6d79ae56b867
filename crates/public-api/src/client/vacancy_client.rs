//! The interface of all clients.

use std::{borrow::Cow, future::Future, pin::Pin};

use draw::Leaf;
use inventory::{EventName, HoldId, IdempotencyKey, StockName};
use tokio::sync::watch;
use vacancy_api::{Answer, Hold, LeavesPage, PlaceReading, ReservationList};

use super::{
    error::ClientError, reservation_request::ReservationRequest, trace_headers::TraceHeaders,
    write_request::WriteRequest,
};
use crate::reading::{EventReading, EventsPage};

/// A boxed future.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// vacancy is ready.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ready {
    /// Its version, if it is another process that says it.
    pub version: Option<String>,
}

/// Reads and sells the stock of vacancy, in this process or another one.
pub trait VacancyClient: Send + Sync + 'static {
    /// Returns a key for a write without one. A client that calls over no network returns `None`:
    /// it needs no retries, and storing a key has a cost.
    fn make_key(&self) -> Option<IdempotencyKey>;

    /// Decides a write, at most once per key.
    fn write(&self, request: WriteRequest) -> BoxFuture<'_, Result<Answer, ClientError>>;

    /// Returns what is available of `stock`, if that needs no wait and is current.
    fn try_available(&self, event: &EventName, stock: &StockName) -> Option<u64>;

    /// Reads an event, with record `at_least` if the event has it. `None`: it does not exist.
    fn event<'a>(
        &'a self,
        event: &'a EventName,
        at_least: Option<u64>,
    ) -> BoxFuture<'a, Result<Option<EventReading>, ClientError>>;

    /// Reads the events after `after` by name, at most `limit`.
    fn events<'a>(
        &'a self,
        after: Option<&'a EventName>,
        limit: usize,
    ) -> BoxFuture<'a, Result<EventsPage, ClientError>>;

    /// Reads a hold or reservation. `None`: it does not exist.
    fn hold(
        &self,
        hold: HoldId,
        trace: TraceHeaders,
    ) -> BoxFuture<'_, Result<Option<Hold>, ClientError>>;

    /// Looks reservations up, the newest first.
    fn reservations(
        &self,
        request: ReservationRequest,
        trace: TraceHeaders,
    ) -> BoxFuture<'_, Result<ReservationList, ClientError>>;

    /// Reads a place of the waiting room of `event`. `None`: it does not exist.
    fn place<'a>(
        &'a self,
        event: &'a EventName,
        leaf: Leaf,
    ) -> BoxFuture<'a, Result<Option<PlaceReading>, ClientError>>;

    /// Reads places that joined the waiting rooms of `event` after record `after`.
    fn leaves<'a>(
        &'a self,
        event: &'a EventName,
        after: u64,
    ) -> BoxFuture<'a, Result<LeavesPage, ClientError>>;

    /// Returns a receiver that changes whenever an event may have changed.
    fn changes(&self) -> watch::Receiver<u64>;

    /// Checks whether vacancy is ready. The error is a reason that may be public.
    fn ready(&self) -> BoxFuture<'_, Result<Ready, Cow<'static, str>>>;

    /// Returns the state of the circuit breaker, if the client has one.
    fn breaker(&self) -> Option<&'static str> {
        None
    }
}
