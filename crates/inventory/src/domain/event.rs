//! Events and their stocks.

use serde::{Deserialize, Serialize};

use super::{EventName, Hash, Prices, Queue, QueueSettings, StockName, TimeMs};

/// One stock's count. `available + held + sold = capacity`, by construction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stock {
    /// The capacity.
    pub capacity: u64,
    /// The held quantity.
    pub held: u64,
    /// The sold quantity.
    pub sold: u64,
}

impl Stock {
    /// How many can still be taken.
    ///
    /// # Panics
    /// When more is taken than there is: the invariant of the whole system is broken, and going on
    /// would sell a ticket twice.
    #[must_use]
    pub fn available(&self) -> u64 {
        match self.capacity.checked_sub(self.held).and_then(|left| left.checked_sub(self.sold)) {
            Some(left) => left,
            None => panic!(
                "oversold: capacity {} < held {} + sold {}",
                self.capacity, self.held, self.sold
            ),
        }
    }
}

/// Who may sell what an event has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SellBy {
    /// The seller alone: a sale needs its payment.
    Seller,
}

/// Settings of an event. The order of the members is that of the ledger's canonical JSON.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventSettings {
    /// From then on nothing new is sold or held.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closes_at_ms: Option<TimeMs>,
    /// How long a hold lives that does not say so itself, milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hold_ttl_ms: Option<u64>,
    /// The most that one customer may have held and bought together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit_per_customer: Option<u64>,
    /// Before then nothing is sold or held.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opens_at_ms: Option<TimeMs>,
    /// What one of each stock costs; none for stocks that are not named.
    #[serde(default, skip_serializing_if = "Prices::is_empty")]
    pub prices: Prices,
    /// The waiting room; none when not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue: Option<QueueSettings>,
    /// Who may sell; anyone when not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sell_by: Option<SellBy>,
    /// The waiting list that returns go to; none when they are for all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waitlist: Option<WaitlistSettings>,
}

/// Settings of a waiting list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WaitlistSettings {
    /// How long an offer holds, milliseconds.
    pub offer_ttl_ms: u64,
}

/// A waiting list as it is stored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waitlist {
    /// How many wait.
    pub waiting: u64,
    /// How many have joined: the number of the next one.
    pub joined: u64,
}

impl Waitlist {
    fn is_new(&self) -> bool {
        self.joined == 0
    }
}

/// An event as it is stored: the sum of its ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Its name.
    pub name: EventName,
    /// Its settings.
    pub settings: EventSettings,
    /// Its stocks, ordered by name.
    pub stocks: Vec<(StockName, Stock)>,
    /// The `seq` of its newest record; the first record is 1.
    pub seq: u64,
    /// The `seq` of the record that last changed the settings or capacities: the version an ETag
    /// names.
    pub settings_seq: u64,
    /// The hash of its newest record.
    pub head: Hash,
    /// The time of its newest record: the ledger's clock never goes back.
    pub at_ms: TimeMs,
    /// How many of its holds are held.
    pub live_holds: u64,
    /// Its waiting room, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue: Option<Queue>,
    /// Its waiting list.
    #[serde(default, skip_serializing_if = "Waitlist::is_new")]
    pub waitlist: Waitlist,
}

impl EventSettings {
    /// Whether it is on sale at `at_ms`.
    #[must_use]
    pub fn is_open_at(&self, at_ms: TimeMs) -> bool {
        self.opens_at_ms.is_none_or(|opens_at_ms| opens_at_ms <= at_ms)
            && self.closes_at_ms.is_none_or(|closes_at_ms| at_ms < closes_at_ms)
    }
}

impl Event {
    /// An event before its first record.
    #[must_use]
    pub fn empty(name: EventName) -> Self {
        Self {
            name,
            settings: EventSettings::default(),
            stocks: Vec::new(),
            seq: 0,
            settings_seq: 0,
            head: Hash::ZERO,
            at_ms: 0,
            live_holds: 0,
            queue: None,
            waitlist: Waitlist::default(),
        }
    }

    /// Whether its first record has been written.
    #[must_use]
    pub fn exists(&self) -> bool {
        self.seq > 0
    }

    /// Whether it was deleted: an event has at least one stock. Its ledger remains, and goes on
    /// if it is created again.
    #[must_use]
    pub fn is_deleted(&self) -> bool {
        self.exists() && self.stocks.is_empty()
    }

    /// The stock of that name.
    #[must_use]
    pub fn stock(&self, name: &StockName) -> Option<&Stock> {
        self.stocks.iter().find(|(known, _)| known == name).map(|(_, stock)| stock)
    }

    pub(crate) fn stock_mut(&mut self, name: &StockName) -> Option<&mut Stock> {
        self.stocks.iter_mut().find(|(known, _)| known == name).map(|(_, stock)| stock)
    }

    /// When nobody can join its draw any more, if that is not recorded yet.
    #[must_use]
    pub fn freeze_at_ms(&self) -> Option<TimeMs> {
        let is_open = self.queue.as_ref().is_some_and(Queue::is_drawing_open);
        self.settings.opens_at_ms.filter(|_| is_open)
    }

    /// When its waiting list ends, if somebody waits and that is not recorded yet.
    #[must_use]
    pub fn list_ends_at_ms(&self) -> Option<TimeMs> {
        self.settings.closes_at_ms.filter(|_| self.waitlist.waiting > 0)
    }

    /// How much can still be taken, of all stocks, and how much is held.
    #[must_use]
    pub fn left_and_held(&self) -> (u64, u64) {
        self.stocks
            .iter()
            .fold((0, 0), |(left, held), (_, stock)| (left + stock.available(), held + stock.held))
    }

    /// The ledger's time when the clock says `now_ms`.
    #[must_use]
    pub fn ledger_time(&self, now_ms: TimeMs) -> TimeMs {
        self.at_ms.max(now_ms)
    }
}
