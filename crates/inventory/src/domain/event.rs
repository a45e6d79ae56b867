//! Events and their stocks.

use serde::{Deserialize, Serialize};

use super::{EventName, Hash, Prices, StockName, TimeMs};

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
    /// Who may sell; anyone when not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sell_by: Option<SellBy>,
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

    /// The ledger's time when the clock says `now_ms`.
    #[must_use]
    pub fn ledger_time(&self, now_ms: TimeMs) -> TimeMs {
        self.at_ms.max(now_ms)
    }
}
