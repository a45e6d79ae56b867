//! A sale with a waiting list, through an engine.

use std::{
    collections::BTreeMap,
    ops::{Deref, DerefMut},
};

use inventory::{
    CommandKind, EventSettings, Hold, HoldId, HoldState, Items, Outcome, domain::WaitlistSettings,
    ledger::Change,
};
use inventory_store::EventView;

use crate::{
    queue::{host::Host, room::Room},
    support::{customer, event, items, stock},
};

/// The time at first.
pub const T: u64 = crate::queue::commands::T;
/// How long an offer holds.
pub const OFFER_TTL: u64 = 5_000;
/// How long a hold holds.
pub const HOLD_TTL: u64 = 1_000;

pub type Wanted<'a> = &'a [(&'a str, u64)];

/// What the event `default` is put with.
#[derive(Clone)]
pub struct Sale {
    pub capacities: BTreeMap<String, u64>,
    pub settings: EventSettings,
}

impl Sale {
    /// With a waiting list.
    pub fn of(capacities: Wanted<'_>) -> Self {
        let waitlist = Some(WaitlistSettings { offer_ttl_ms: OFFER_TTL });
        let capacities = capacities.iter().map(|(name, qty)| ((*name).to_owned(), *qty)).collect();
        Self { capacities, settings: EventSettings { waitlist, ..EventSettings::default() } }
    }

    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// The same, with this capacity of a stock.
    pub fn having(self, name: &str, capacity: u64) -> Self {
        self.with(|sale| sale.capacities.extend([(name.to_owned(), capacity)]))
    }

    /// The same, for all who come: returns go to nobody in particular.
    pub fn without_list(self) -> Self {
        self.with(|sale| sale.settings.waitlist = None)
    }

    pub fn limited(self, limit: u64) -> Self {
        self.with(|sale| sale.settings.limit_per_customer = Some(limit))
    }

    pub fn put(&self) -> CommandKind {
        CommandKind::PutEvent {
            event: event("default"),
            capacities: self.capacities.iter().map(|(name, qty)| (stock(name), *qty)).collect(),
            settings: self.settings.clone(),
            if_settings_seq: None,
            only_create: false,
            draw: None,
        }
    }

    /// Everything.
    fn all(&self) -> Items {
        let all: Vec<_> = self.capacities.iter().map(|(name, qty)| (name.as_str(), *qty)).collect();
        items(&all)
    }
}

/// So many of stock `general`.
pub fn general(qty: u64) -> [(&'static str, u64); 1] {
    [("general", qty)]
}

pub fn sell(wanted: Wanted<'_>, who: Option<&str>) -> CommandKind {
    CommandKind::Reserve {
        event: event("default"),
        items: items(wanted),
        customer: who.map(customer),
        by_seller: false,
        pass: None,
    }
}

pub fn hold(wanted: Wanted<'_>, who: Option<&str>) -> CommandKind {
    CommandKind::Hold {
        event: event("default"),
        items: items(wanted),
        customer: who.map(customer),
        ttl_ms: Some(HOLD_TTL),
        pass: None,
    }
}

pub fn wait(wanted: Wanted<'_>, who: Option<&str>) -> CommandKind {
    CommandKind::JoinWaitlist {
        event: event("default"),
        items: items(wanted),
        customer: who.map(customer),
    }
}

pub fn leave(hold: HoldId) -> CommandKind {
    CommandKind::LeaveWaitlist { hold }
}

pub fn release(hold: HoldId) -> CommandKind {
    CommandKind::Release { hold }
}

pub fn refund(reservation: HoldId, of: Wanted<'_>) -> CommandKind {
    CommandKind::Refund { reservation, items: (!of.is_empty()).then(|| items(of)) }
}

/// What a test looks at, of stock `general`: what is available, held and sold, and who waits.
pub type Seen = (u64, u64, u64, u64);

/// An engine on its store.
pub struct Desk<H>(Room<H>);

impl<H> Deref for Desk<H> {
    type Target = Room<H>;

    fn deref(&self) -> &Room<H> {
        &self.0
    }
}

impl<H> DerefMut for Desk<H> {
    fn deref_mut(&mut self) -> &mut Room<H> {
        &mut self.0
    }
}

impl<H: Host> Desk<H> {
    pub async fn open() -> Self {
        Self(Room::open().await)
    }

    /// Puts the event and sells everything at once, so that each of it can be refunded.
    pub async fn sold_out(&self, sale: &Sale) -> HoldId {
        self.accept(sale.put()).await;
        let mut all = sell(&general(1), None);
        if let CommandKind::Reserve { items, .. } = &mut all {
            *items = sale.all();
        }
        self.take(all).await
    }

    /// Joins the list.
    pub async fn wait(&self, wanted: Wanted<'_>, who: Option<&str>) -> HoldId {
        match self.accept(wait(wanted, who)).await {
            Outcome::Waiting { id, items: of } if of == items(wanted) => id,
            other => panic!("{other:?}"),
        }
    }

    pub async fn view(&self) -> EventView {
        let view = self.engine().event_now(&event("default")).await.unwrap().unwrap();
        (*view.view).clone()
    }

    pub async fn counts_of(&self, name: &str) -> (u64, u64, u64) {
        let view = self.view().await;
        let counts = view.event.stock(&stock(name)).unwrap();
        (counts.available(), counts.held, counts.sold)
    }

    pub async fn seen(&self) -> Seen {
        let (available, held, sold) = self.counts_of("general").await;
        (available, held, sold, self.view().await.event.waitlist.waiting)
    }

    pub async fn entry(&self, id: HoldId) -> Hold {
        self.engine().hold(id).await.unwrap().unwrap()
    }

    pub async fn state(&self, id: HoldId) -> HoldState {
        self.entry(id).await.state
    }

    /// How often the entry was passed over, and what is kept for it.
    pub async fn waits(&self, id: HoldId) -> (u32, Items) {
        let entry = self.entry(id).await;
        assert_eq!(entry.state, HoldState::Waiting);
        let waiting = entry.waiting.unwrap();
        (waiting.passed_over, waiting.collected)
    }

    /// The offers so far, in order: the entry, and the first one if that was passed over.
    pub async fn offers(&self) -> Vec<(HoldId, Option<HoldId>)> {
        let records = self.records().await.into_iter();
        let offers = records.filter_map(|record| match record.change {
            Change::HoldOffered { id, over, .. } => Some((id, over)),
            _ => None,
        });
        offers.collect()
    }

    /// As [`Room::close`].
    pub async fn close(self) {
        self.0.close().await;
    }
}
