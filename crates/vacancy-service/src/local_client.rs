//! The client for vacancy in the same process.

use std::{borrow::Cow, sync::Arc};

use draw::Leaf;
use inventory::{CommandKind, EventName, HoldId, IdempotencyKey, Stock, StockName};
use inventory_engine::EventSnapshot;
use public_api::{
    BoxFuture, ClientError, EventReading, EventsPage, Ready, ReservationRequest, TraceHeaders,
    VacancyClient, WriteRequest,
};
use tokio::sync::watch;
use vacancy_api::{
    Answer, EventFrame, Failure, Hold, LeavesPage, PlaceReading, ReservationList, Wording,
};

use crate::{answer::answer_of, problem::problem_of_engine, reservation::ReservationService};

const NOT_READY: &str = "the store failed or the process is stopping";

/// Calls the engine directly.
#[derive(Clone)]
pub struct LocalVacancyClient(ReservationService);

impl LocalVacancyClient {
    /// Sells from `stock`.
    #[must_use]
    pub fn new(stock: ReservationService) -> Self {
        Self(stock)
    }

    fn reading(&self, seen: &EventSnapshot) -> EventReading {
        let now_ms = self.0.engine().now_ms();
        let frame = EventFrame::of(&seen.view, seen.stale.is_some(), now_ms);
        EventReading { frame: Arc::new(frame), stale: seen.stale }
    }
}

impl VacancyClient for LocalVacancyClient {
    fn make_key(&self) -> Option<IdempotencyKey> {
        None
    }

    fn write(&self, request: WriteRequest) -> BoxFuture<'_, Result<Answer, ClientError>> {
        Box::pin(async move {
            let WriteRequest { kind, key, caller, deadline, .. } = request;
            let is_sale = matches!(kind, CommandKind::Reserve { .. });
            let reply = self.0.submit(kind, key, deadline).await;
            let answer = answer_of(reply, is_sale.then_some(Wording::Purchase), caller);
            answer.map_err(ClientError::from)
        })
    }

    fn try_available(&self, event: &EventName, stock: &StockName) -> Option<u64> {
        let available = |stocks: &inventory::Event| stocks.stock(stock).map(Stock::available);
        self.0.engine().try_event(event, |view| available(&view.event)).flatten()
    }

    fn event<'a>(
        &'a self,
        event: &'a EventName,
        at_least: Option<u64>,
    ) -> BoxFuture<'a, Result<Option<EventReading>, ClientError>> {
        Box::pin(async move {
            let engine = self.0.engine();
            let seen = match at_least {
                Some(seq) => engine.event_with(event, seq).await,
                None => engine.event(event).await,
            };
            let seen = seen.map_err(|error| Failure::from(problem_of_engine(&error)))?;
            Ok(seen.map(|seen| self.reading(&seen)))
        })
    }

    fn events<'a>(
        &'a self,
        after: Option<&'a EventName>,
        limit: usize,
    ) -> BoxFuture<'a, Result<EventsPage, ClientError>> {
        Box::pin(async move {
            let page = self.0.engine().events(after, limit).await;
            let (seen, more) = page.map_err(|error| Failure::from(problem_of_engine(&error)))?;
            Ok(EventsPage { events: seen.iter().map(|seen| self.reading(seen)).collect(), more })
        })
    }

    fn hold(
        &self,
        hold: HoldId,
        _: TraceHeaders,
    ) -> BoxFuture<'_, Result<Option<Hold>, ClientError>> {
        Box::pin(async move {
            let engine = self.0.engine();
            let hold = engine.hold(hold).await;
            let hold = hold.map_err(|error| Failure::from(problem_of_engine(&error)))?;
            Ok(hold.map(|hold| Hold::of(&hold, engine.now_ms())))
        })
    }

    fn reservations(
        &self,
        request: ReservationRequest,
        _: TraceHeaders,
    ) -> BoxFuture<'_, Result<ReservationList, ClientError>> {
        Box::pin(async move {
            let page = self.0.reservations(request).await;
            Ok(page.map_err(|error| Failure::from(problem_of_engine(&error)))?)
        })
    }

    fn place<'a>(
        &'a self,
        event: &'a EventName,
        leaf: Leaf,
    ) -> BoxFuture<'a, Result<Option<PlaceReading>, ClientError>> {
        Box::pin(async move {
            let place = self.0.place(event, &leaf).await;
            Ok(place.map_err(|error| Failure::from(problem_of_engine(&error)))?)
        })
    }

    fn leaves<'a>(
        &'a self,
        event: &'a EventName,
        after: u64,
    ) -> BoxFuture<'a, Result<LeavesPage, ClientError>> {
        Box::pin(async move {
            let page = self.0.leaves(event, after, usize::MAX).await;
            Ok(page.map_err(|error| Failure::from(problem_of_engine(&error)))?)
        })
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.0.engine().changes()
    }

    fn ready(&self) -> BoxFuture<'_, Result<Ready, Cow<'static, str>>> {
        Box::pin(async {
            let checked = self.0.engine().check();
            checked.map(|()| Ready::default()).map_err(|_| NOT_READY.into())
        })
    }
}
