//! The state that a batch of commands reads and changes.

use std::sync::Arc;

use draw::Leaf;

use crate::{
    domain::{
        Command, CommandKind, CustomerId, Event, EventName, Fingerprint, Hold, HoldId, HoldState,
        IdempotencyKey, KeyUse, Place, RefusalKind, StockName, TimeMs,
    },
    ledger::{Change, Record},
    map::{HashMap, HashSet},
};

/// The most entries of a waiting list that are loaded at once: those behind them get offers when
/// these have left.
pub const WAITING_MAX: usize = 256;

/// The most due holds that are loaded, and expired, at once.
pub const DUE_MAX: usize = 4_096;

/// The data that a batch reads. A store loads it, and locks it where several processes share the
/// store.
#[derive(Debug, Default)]
pub struct ReadSet {
    /// Events named by commands.
    pub events: HashSet<EventName>,
    /// Holds named by commands; their events are read too.
    pub holds: HashSet<HoldId>,
    /// Customers named by commands.
    pub customers: HashSet<(EventName, CustomerId)>,
    /// Keys of requests.
    pub keys: HashSet<IdempotencyKey>,
    /// Places of waiting rooms.
    pub places: HashSet<(EventName, Leaf)>,
    /// A rule needs the total number of events or live holds.
    pub totals: bool,
}

impl ReadSet {
    /// The read set of `commands`.
    pub fn of<'a>(
        commands: impl Iterator<Item = (&'a Command, Option<&'a IdempotencyKey>)>,
    ) -> Self {
        let mut reads = Self::default();
        for (command, key) in commands {
            reads.add(command, key);
        }
        reads
    }

    /// Adds the data that `command` reads.
    pub fn add(&mut self, command: &Command, key: Option<&IdempotencyKey>) {
        if let Some(event) = command.kind.event() {
            if !self.events.contains(event) {
                self.events.insert(event.clone());
            }
            if let Some(customer) = command.kind.customer() {
                self.customers.insert((event.clone(), customer.clone()));
            }
            let leaves = command.kind.leaves().iter();
            self.places.extend(leaves.map(|leaf| (event.clone(), *leaf)));
        }
        self.totals |=
            matches!(command.kind, CommandKind::PutEvent { .. } | CommandKind::Hold { .. });
        self.holds.extend(command.kind.hold());
        if let Some(key) = key {
            self.keys.extend(key.without_scope());
            self.keys.insert(key.clone());
        }
    }

    /// Adds the data that applying `record` of another ledger reads.
    pub fn add_record(&mut self, record: &Record) {
        self.events.insert(record.event.clone());
        if let Some(customer) = record.change.customer() {
            self.customers.insert((record.event.clone(), customer.clone()));
        }
        let leaves = record.change.leaves().iter();
        self.places.extend(leaves.map(|leaf| (record.event.clone(), *leaf)));
        let creates = matches!(
            record.change,
            Change::Sold { .. } | Change::Held { .. } | Change::WaitlistJoined { .. }
        );
        self.holds.extend(record.change.over());
        self.holds.extend(record.change.hold().filter(|_| !creates));
    }
}

/// A hold, and its state in the store.
#[derive(Debug, Clone)]
pub struct HoldSlot {
    /// The hold as it is now.
    pub hold: Hold,
    /// Its time in the store's index of live holds.
    pub indexed_at_ms: Option<TimeMs>,
    /// Its number in the store's index of waiting lists.
    pub indexed_number: Option<u64>,
    /// Whether the store must write it.
    pub dirty: bool,
}

impl HoldSlot {
    /// A hold as the store has it.
    #[must_use]
    pub fn stored(hold: Hold) -> Self {
        let indexed_at_ms = (hold.state == HoldState::Held).then_some(hold.expires_at_ms);
        let indexed_number = hold.waiting.as_ref().map(|waiting| waiting.number);
        Self { hold, indexed_at_ms, indexed_number, dirty: false }
    }
}

/// A key that was used.
#[derive(Debug, Clone)]
pub struct KeySlot {
    /// The fingerprint of the request.
    pub fingerprint: Fingerprint,
    /// The time until which the key is valid.
    pub expires_at_ms: TimeMs,
    /// The record of its effect.
    pub record: Arc<Record>,
}

/// Everything a batch loaded, as it is after the commands decided so far.
#[derive(Debug, Default)]
pub struct WorkingSet {
    /// Events that exist. An event of the read set that is missing here does not exist.
    pub events: HashMap<EventName, Event>,
    /// Holds, likewise.
    pub holds: HashMap<HoldId, HoldSlot>,
    /// Quantities of customers, held and bought; absent means 0.
    pub customers: HashMap<(EventName, CustomerId), u64>,
    /// Keys in use.
    pub keys: HashMap<IdempotencyKey, KeySlot>,
    /// Places of waiting rooms, likewise.
    pub places: HashMap<(EventName, Leaf), Place>,
    /// Places changed by this batch.
    pub dirty_places: HashSet<(EventName, Leaf)>,
    /// The first entries of each waiting list, by number. Those that have left it stay.
    pub waiting: HashMap<EventName, Vec<HoldId>>,
    /// Expired holds of the events whose expiry is not recorded yet.
    pub due: Vec<HoldId>,
    /// More holds are due: expire these, commit, and load again.
    pub more_due: bool,
    /// The time by the clock. The ledger's may be ahead of it.
    pub now_ms: TimeMs,
    /// The number of events in the store; 0 where a shared store was not asked for totals.
    pub events_len: usize,
    /// The number of live holds in the store, likewise.
    pub live_holds_len: u64,
    /// The records are replayed from another ledger.
    pub replaying: bool,
    /// The records of this batch with their bodies, in order.
    pub records: Vec<(Arc<Record>, Vec<u8>)>,
    /// Events changed by this batch.
    pub dirty_events: HashSet<EventName>,
    /// Customers changed by this batch.
    pub dirty_customers: HashSet<(EventName, CustomerId)>,
}

impl WorkingSet {
    /// The event, for a new sale or hold.
    pub(super) fn event(&self, name: &EventName) -> Result<&Event, RefusalKind> {
        self.ledger(name).ok().filter(|event| !event.is_deleted()).ok_or(RefusalKind::EventNotFound)
    }

    /// The event of a hold, which may be deleted.
    pub(super) fn ledger(&self, name: &EventName) -> Result<&Event, RefusalKind> {
        self.events.get(name).ok_or(RefusalKind::EventNotFound)
    }

    pub(super) fn hold(&self, id: HoldId) -> Result<&Hold, RefusalKind> {
        self.holds.get(&id).map(|slot| &slot.hold).ok_or(RefusalKind::HoldNotFound)
    }

    pub(super) fn customer_has(&self, event: &EventName, customer: &CustomerId) -> u64 {
        self.customers.get(&(event.clone(), customer.clone())).copied().unwrap_or(0)
    }

    pub(super) fn place(&self, event: &EventName, leaf: &Leaf) -> Option<&Place> {
        self.places.get(&(event.clone(), *leaf))
    }

    /// How many of the loaded entries of the waiting list still wait.
    fn seen_waiting(&self, name: &EventName) -> usize {
        let ids = self.waiting.get(name).into_iter().flatten();
        let slots = ids.filter_map(|id| self.holds.get(id));
        slots.filter(|slot| slot.hold.state == HoldState::Waiting).count()
    }

    fn hides_waiting(&self, event: &Event) -> bool {
        event.waitlist.waiting > self.seen_waiting(&event.name) as u64
    }

    /// Whether all entries of the waiting list are loaded.
    pub(super) fn sees_all_waiting(&self, event: &Event) -> bool {
        !self.hides_waiting(event)
    }

    /// Whether entries that are not loaded have come to where offers look: what is available may be
    /// theirs.
    pub(super) fn may_owe(&self, event: &Event) -> bool {
        self.seen_waiting(&event.name) < WAITING_MAX && self.hides_waiting(event)
    }

    /// Whether a waiting list has more entries than are loaded: [`expire_due`] has to be repeated
    /// until it writes nothing, before anything is decided.
    ///
    /// [`expire_due`]: super::expire_due
    #[must_use]
    pub fn has_more_waiting(&self) -> bool {
        self.events.values().any(|event| self.hides_waiting(event))
    }

    /// The events whose next entries have to be loaded, and may have to be offered something.
    #[must_use]
    pub fn owing(&self) -> HashSet<EventName> {
        let events = self.events.values().filter(|event| self.may_owe(event));
        events.map(|event| event.name.clone()).collect()
    }

    fn key(&self, key: &IdempotencyKey, now_ms: TimeMs) -> Option<&KeySlot> {
        self.keys.get(key).filter(|slot| slot.expires_at_ms > now_ms)
    }

    /// The use of `wanted`, or of its text without a scope if the same request wrote that: keys
    /// had no scope in older versions.
    pub(super) fn key_use(&self, wanted: &KeyUse, now_ms: TimeMs) -> Option<&KeySlot> {
        self.key(&wanted.key, now_ms).or_else(|| {
            let older = self.key(&wanted.key.without_scope()?, now_ms)?;
            (older.fingerprint == wanted.fingerprint).then_some(older)
        })
    }

    /// The available quantities of the stocks in `items`.
    pub(super) fn available(event: &Event, items: &crate::domain::Items) -> Vec<(StockName, u64)> {
        items
            .iter()
            .map(|item| {
                (
                    item.stock.clone(),
                    event.stock(&item.stock).map_or(0, crate::domain::Stock::available),
                )
            })
            .collect()
    }
}
