//! For tests of stores and of all that is built on them: a clock to set, short forms of commands,
//! and the [conformance suite](conformance).
#![allow(clippy::unwrap_used)] // a wrong name in a test is a wrong test

pub mod conformance;

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use inventory::{
    Command, CommandKind, CustomerId, EventName, EventSettings, HoldId, IdempotencyKey, Item,
    Items, Limits, StockName, decide::BatchReply,
};

use crate::{
    batch::run_batch,
    clock::Clock,
    store::{Durability, Store},
};

/// A clock that stands still until it is set.
#[derive(Clone, Default)]
pub struct TestClock(Arc<AtomicU64>);

impl TestClock {
    /// A clock that shows `now_ms`.
    #[must_use]
    pub fn at(now_ms: u64) -> Self {
        let clock = Self::default();
        clock.set(now_ms);
        clock
    }

    /// Sets the time.
    pub fn set(&self, now_ms: u64) {
        self.0.store(now_ms, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now_ms(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

/// The event of this name.
#[must_use]
pub fn event(name: &str) -> EventName {
    EventName::new(name).unwrap()
}

/// The stock of this name.
#[must_use]
pub fn stock(name: &str) -> StockName {
    StockName::new(name).unwrap()
}

/// The customer with this id.
#[must_use]
pub fn customer(name: &str) -> CustomerId {
    CustomerId::new(name).unwrap()
}

/// The key with this text.
#[must_use]
pub fn key(text: &str) -> IdempotencyKey {
    IdempotencyKey::new(text).unwrap()
}

/// These quantities of these stocks.
#[must_use]
pub fn items(wanted: &[(&str, u64)]) -> Items {
    let items = wanted.iter().map(|(name, qty)| Item { qty: *qty, stock: stock(name) }).collect();
    Items::new(items, 16, 1_000_000).unwrap()
}

/// Puts an event with these capacities.
#[must_use]
pub fn put(name: &str, capacities: &[(&str, u64)]) -> CommandKind {
    let capacities: BTreeMap<_, _> =
        capacities.iter().map(|(name, capacity)| (stock(name), *capacity)).collect();
    CommandKind::PutEvent {
        event: event(name),
        capacities,
        settings: EventSettings::default(),
        if_settings_seq: None,
        only_create: false,
        draw: None,
    }
}

/// Sells `qty` of stock `general`.
#[must_use]
pub fn reserve(name: &str, qty: u64) -> CommandKind {
    CommandKind::Reserve {
        event: event(name),
        items: items(&[("general", qty)]),
        customer: None,
        by_seller: false,
        pass: None,
    }
}

/// Holds `qty` of stock `general` for `ttl_ms`.
#[must_use]
pub fn hold(name: &str, qty: u64, ttl_ms: u64) -> CommandKind {
    CommandKind::Hold {
        event: event(name),
        items: items(&[("general", qty)]),
        customer: None,
        ttl_ms: Some(ttl_ms),
        pass: None,
    }
}

/// An id made of `number`.
#[must_use]
pub fn id(number: u8) -> HoldId {
    HoldId::new(1, [number; 10])
}

/// Decides and commits one command as the engine would; its id is that of `number`.
pub async fn run<S: Store>(
    store: &mut S,
    limits: &Limits,
    number: u8,
    kind: CommandKind,
    key: Option<IdempotencyKey>,
    now_ms: u64,
) -> BatchReply {
    let command = Command { id: id(number), kind };
    let commands = std::iter::once((&command, key.as_ref()));
    run_batch(store, limits, commands, Vec::new(), now_ms, Durability::Synced)
        .await
        .unwrap()
        .replies
        .remove(0)
}
