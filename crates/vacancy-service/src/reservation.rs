//! The engine, and what its callers need beside it.

use std::{sync::Arc, time::Duration};

use draw::Leaf;
use http_server::Problem;
use inventory::{
    CommandKind, CustomerId, EventName, IdempotencyKey, Items, PassUse, StockName,
    ledger::joined_leaves,
};
use inventory_engine::{Engine, EngineError, Reply, Request, ReservationFilter, TraceContext};
use public_api::ReservationRequest;
use telemetry::current_span;
use tokio::time::Instant;
use vacancy_api::{
    DEFAULT_EVENT, DEFAULT_STOCK, LeavesPage, PlaceReading, Reservation, ReservationList,
};

/// Records that a page of places is gathered from at first.
const LEAVES_RECORDS_MIN: usize = 8;
/// Records that a page of places is gathered from.
const LEAVES_RECORDS_MAX: usize = 1_000;
/// Places of a page, besides those of its last record.
const LEAVES_MAX: usize = 4_096;

/// The engine with the default event and stock, and the time a request may take. Clones share it.
#[derive(Clone)]
pub struct ReservationService(Arc<Inner>);

struct Inner {
    engine: Engine,
    event: EventName,
    stock: StockName,
    request_timeout: Duration,
}

impl ReservationService {
    /// Calls to `engine`, each of which waits at most `request_timeout`.
    ///
    /// # Panics
    /// Never: the default names are valid.
    #[must_use]
    pub fn new(engine: Engine, request_timeout: Duration) -> Self {
        let (Ok(event), Ok(stock)) = (EventName::new(DEFAULT_EVENT), StockName::new(DEFAULT_STOCK))
        else {
            unreachable!("the default names are valid")
        };
        Self(Arc::new(Inner { engine, event, stock, request_timeout }))
    }

    /// The engine.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.0.engine
    }

    /// `default`.
    #[must_use]
    pub fn event(&self) -> &EventName {
        &self.0.event
    }

    /// `general`.
    #[must_use]
    pub fn stock(&self) -> &StockName {
        &self.0.stock
    }

    /// The request that carries `kind` to the engine. The engine drops it at the earlier of
    /// `deadline` and the request timeout.
    #[must_use]
    pub fn request(
        &self,
        kind: CommandKind,
        key: Option<IdempotencyKey>,
        deadline: Option<Instant>,
    ) -> Request {
        let own = Instant::now() + self.0.request_timeout;
        let deadline = Some(deadline.map_or(own, |deadline| deadline.min(own)));
        Request { kind, key, deadline, trace: current_trace() }
    }

    /// Decides `kind` and writes the decision down.
    ///
    /// # Errors
    /// [`EngineError`].
    pub async fn submit(
        &self,
        kind: CommandKind,
        key: Option<IdempotencyKey>,
        deadline: Option<Instant>,
    ) -> Result<Reply, EngineError> {
        self.0.engine.submit(self.request(kind, key, deadline)).await
    }

    /// Looks reservations up, the newest first.
    ///
    /// # Errors
    /// [`EngineError`].
    pub async fn reservations(
        &self,
        request: ReservationRequest,
    ) -> Result<ReservationList, EngineError> {
        let ReservationRequest { customer, payment_ref, event, before, limit } = request;
        let filter = ReservationFilter { customer, payment_ref, event };
        let page = self.0.engine.reservations(&filter, before, limit).await?;
        let now_ms = self.0.engine.now_ms();
        Ok(ReservationList {
            reservations: page.holds.iter().map(|hold| Reservation::of(hold, now_ms)).collect(),
            next: page.next.map(|id| id.to_string()),
        })
    }

    /// A place of the waiting room of `event` as it is now.
    ///
    /// # Errors
    /// [`EngineError`].
    pub async fn place(
        &self,
        event: &EventName,
        leaf: &Leaf,
    ) -> Result<Option<PlaceReading>, EngineError> {
        let engine = &self.0.engine;
        let Some(place) = engine.place(event, leaf).await? else { return Ok(None) };
        let seen = engine.event(event).await?;
        let now_ms = engine.now_ms();
        Ok(seen.and_then(|seen| PlaceReading::of(&seen.view.event, leaf, &place, now_ms)))
    }

    /// Places that joined the waiting rooms of `event` after record `after`, in the order of
    /// joining, at most about `limit`.
    ///
    /// # Errors
    /// [`EngineError`].
    pub async fn leaves(
        &self,
        event: &EventName,
        after: u64,
        limit: usize,
    ) -> Result<LeavesPage, EngineError> {
        let mut page = LeavesPage { leaves: Vec::new(), after_seq: after };
        let (mut len, mut records_left) = (LEAVES_RECORDS_MIN, LEAVES_RECORDS_MAX);
        // A few records of a crowd are a page; many of a quiet hour are none.
        while records_left > 0 {
            len = len.min(records_left);
            let records = self.0.engine.records(event, page.after_seq, len).await?;
            let records = records.unwrap_or_default();
            let is_last = records.len() < len;
            for stored in records {
                if page.leaves.len() >= limit.min(LEAVES_MAX) {
                    return Ok(page);
                }
                page.after_seq = stored.seq;
                page.leaves.extend(joined_leaves(&stored.body));
            }
            if is_last {
                break;
            }
            (len, records_left) = (len * 2, records_left - len);
        }
        Ok(page)
    }

    /// The command that sells `qty` of stock `general` of `event`.
    ///
    /// # Errors
    /// A 422 problem when `qty` is outside its bounds.
    pub fn reserve(
        &self,
        event: EventName,
        qty: u64,
        customer: Option<CustomerId>,
        by_seller: bool,
        pass: Option<Box<PassUse>>,
    ) -> Result<CommandKind, Problem> {
        let qty_max = self.0.engine.limits().qty_max;
        if qty == 0 || qty > qty_max {
            return Err(Problem::validation(format!("qty must be between 1 and {qty_max}.")));
        }
        Ok(CommandKind::Reserve {
            event,
            items: Items::one(self.0.stock.clone(), qty),
            customer,
            by_seller,
            pass,
        })
    }
}

/// The span of the current request, in the engine's form.
fn current_trace() -> Option<TraceContext> {
    current_span().map(|span| TraceContext { trace_id: span.trace_id, span_id: span.span_id })
}
