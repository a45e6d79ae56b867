//! Events.

use std::collections::BTreeMap;

use inventory::{EventSettings, Limits, Prices, StockName, TimeMs};
use inventory_store::EventView;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use utoipa::ToSchema;

use crate::{
    money::Money,
    stock_settings::StockSettings,
    time::{self, rfc3339},
};

/// The full settings of an event. An omitted member is reset.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PutEventBody {
    /// Every stock with its capacity, and its price if it has one. An omitted stock is removed if
    /// none of it is held or sold.
    #[schema(
        value_type = BTreeMap<String, StockSettings>,
        example = json!({"general": {"capacity": 1000, "price": {"amount_minor": 4550, "currency": "EUR"}}, "vip": 50})
    )]
    pub stocks: BTreeMap<StockName, StockSettings>,
    /// Start of the sale: RFC 3339 with its offset, from 1970 to 9999.
    #[serde(default, deserialize_with = "time::optional")]
    #[schema(value_type = Option<String>, format = DateTime, example = "2026-01-01T09:00:00Z")]
    pub opens_at: Option<TimeMs>,
    /// End of the sale, likewise.
    #[serde(default, deserialize_with = "time::optional")]
    #[schema(value_type = Option<String>, format = DateTime, example = "2036-06-01T20:00:00Z")]
    pub closes_at: Option<TimeMs>,
    /// Default lifetime of a hold in seconds, up to HOLD_TTL_MAX_S.
    #[schema(minimum = 1)]
    pub hold_ttl_s: Option<u64>,
    /// Maximum number of tickets per customer, held and bought together, up to MAX_CAPACITY.
    #[schema(minimum = 1)]
    pub limit_per_customer: Option<u64>,
    /// Who may sell: `anyone`, or `seller` for sales and confirmations with the seller's token
    /// alone. Default: `anyone`.
    pub sell_by: Option<SellBy>,
}

/// Who may sell the tickets of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SellBy {
    /// Everyone.
    Anyone,
    /// Callers with the seller's token.
    Seller,
}

/// Why the settings are refused.
#[derive(Debug, Error)]
pub enum EventError {
    /// No stock, or too many.
    #[error("stocks: an event has 1 to {0} stocks")]
    Stocks(usize),
    /// A capacity above the limit.
    #[error("stocks: a capacity is at most {0}")]
    Capacity(u64),
    /// A price above the limit.
    #[error("stocks: a price is at most {max}", max = inventory::Money::AMOUNT_MAX)]
    Price,
    /// Prices of several currencies.
    #[error("stocks: all prices of an event have one currency")]
    MixedCurrencies,
    /// The end is not after the beginning.
    #[error("closes_at must be after opens_at")]
    Window,
    /// A time to live outside its limits.
    #[error("hold_ttl_s must be between 1 and {0}")]
    HoldTtl(u64),
    /// A limit of nothing, or of more than there can be.
    #[error("limit_per_customer must be between 1 and {0}")]
    Limit(u64),
}

impl PutEventBody {
    /// Its settings, checked.
    ///
    /// # Errors
    /// [`EventError`] for the first thing that is wrong.
    pub fn settings(&self, limits: &Limits) -> Result<EventSettings, EventError> {
        if self.stocks.is_empty() || self.stocks.len() > limits.stocks_max {
            return Err(EventError::Stocks(limits.stocks_max));
        }
        if self.stocks.values().any(|stock| stock.0.capacity > limits.capacity_max) {
            return Err(EventError::Capacity(limits.capacity_max));
        }
        let prices = self.prices()?;
        let (opens_at_ms, closes_at_ms) = (self.opens_at, self.closes_at);
        if opens_at_ms.zip(closes_at_ms).is_some_and(|(opens, closes)| opens >= closes) {
            return Err(EventError::Window);
        }
        let hold_ttl_max_s = limits.hold_ttl_max_ms / 1_000;
        if self.hold_ttl_s.is_some_and(|ttl_s| ttl_s == 0 || ttl_s > hold_ttl_max_s) {
            return Err(EventError::HoldTtl(hold_ttl_max_s));
        }
        if self.limit_per_customer.is_some_and(|limit| limit == 0 || limit > limits.capacity_max) {
            return Err(EventError::Limit(limits.capacity_max));
        }
        Ok(EventSettings {
            closes_at_ms,
            hold_ttl_ms: self.hold_ttl_s.map(|ttl_s| ttl_s * 1_000),
            limit_per_customer: self.limit_per_customer,
            opens_at_ms,
            prices,
            sell_by: match self.sell_by {
                None | Some(SellBy::Anyone) => None,
                Some(SellBy::Seller) => Some(inventory::SellBy::Seller),
            },
        })
    }

    /// The capacity of each stock.
    #[must_use]
    pub fn capacities(&self) -> BTreeMap<StockName, u64> {
        self.stocks.iter().map(|(name, stock)| (name.clone(), stock.0.capacity)).collect()
    }

    fn prices(&self) -> Result<Prices, EventError> {
        let priced = self.stocks.iter().filter_map(|(name, stock)| {
            stock.0.price.map(|price| (name.clone(), inventory::Money::from(price)))
        });
        let prices: Prices = priced.collect();
        if prices.values().any(|price| price.amount_minor > inventory::Money::AMOUNT_MAX) {
            return Err(EventError::Price);
        }
        let mut currencies = prices.values().map(|price| price.currency);
        let first = currencies.next();
        if currencies.any(|currency| Some(currency) != first) {
            return Err(EventError::MixedCurrencies);
        }
        Ok(prices)
    }
}

/// The count of one stock: `available + held + sold = capacity`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StockCounts {
    /// The total number of tickets.
    pub capacity: u64,
    /// Tickets that can be sold or held now.
    pub available: u64,
    /// Tickets held.
    pub held: u64,
    /// Tickets sold.
    pub sold: u64,
    /// What one ticket costs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<Money>,
    /// The `seq` of the event's ledger that the counts include.
    pub seq: u64,
}

/// An event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Event {
    /// Its name.
    #[schema(example = "default")]
    pub event: String,
    /// Its stocks.
    pub stocks: BTreeMap<String, StockCounts>,
    /// Start of the sale, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub opens_at: Option<String>,
    /// End of the sale, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub closes_at: Option<String>,
    /// Default lifetime of a hold in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold_ttl_s: Option<u64>,
    /// Maximum number of tickets per customer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit_per_customer: Option<u64>,
    /// Present for `seller`: sales and confirmations need the seller's token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sell_by: Option<SellBy>,
    /// The `seq` of the ledger that the counts include.
    pub seq: u64,
    /// Present and true when the store is unavailable. The counts are `Age` seconds old.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stale: bool,
}

impl Event {
    /// The event of `view`; `stale` when the store was unavailable.
    #[must_use]
    pub fn of(view: &EventView, stale: bool) -> Self {
        let event = &view.event;
        let stocks = event.stocks.iter().map(|(name, stock)| {
            let counts = StockCounts {
                capacity: stock.capacity,
                available: stock.available(),
                held: stock.held,
                sold: stock.sold,
                price: event.settings.prices.get(name).copied().map(Money::from),
                seq: event.seq,
            };
            (name.to_string(), counts)
        });
        Self {
            event: event.name.to_string(),
            stocks: stocks.collect(),
            opens_at: event.settings.opens_at_ms.map(rfc3339),
            closes_at: event.settings.closes_at_ms.map(rfc3339),
            hold_ttl_s: event.settings.hold_ttl_ms.map(|ttl_ms| ttl_ms / 1_000),
            limit_per_customer: event.settings.limit_per_customer,
            sell_by: event.settings.sell_by.map(|inventory::SellBy::Seller| SellBy::Seller),
            seq: event.seq,
            stale,
        }
    }
}

/// An event as administrators see it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AdminEvent {
    /// What everybody sees.
    #[serde(flatten)]
    pub event: Event,
    /// The `seq` of the record that last changed the settings or capacities: their version.
    pub settings_seq: u64,
    /// Holds that are held now.
    pub live_holds: u64,
}

impl AdminEvent {
    /// The event of `view`; `stale` when the store was unavailable.
    #[must_use]
    pub fn of(view: &EventView, stale: bool) -> Self {
        Self {
            event: Event::of(view, stale),
            settings_seq: view.event.settings_seq,
            live_holds: view.event.live_holds,
        }
    }
}

/// A page of events, by name.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct EventList {
    /// The events.
    pub events: Vec<Event>,
    /// The value of `after` for the next page; absent on the last page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}
