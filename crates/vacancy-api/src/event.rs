//! Events.

use std::collections::BTreeMap;

use inventory::{EventSettings, Limits, Prices, StockName, TimeMs, domain::WaitlistSettings};
use inventory_store::EventView;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use utoipa::ToSchema;

use crate::{
    money::Money,
    queue::{QueueError, QueueSettings},
    stock_settings::StockSettings,
    time::{self, rfc3339},
};

/// The full settings of an event. An omitted member is reset.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[schema(example = json!({
    "stocks": {"general": {"capacity": 1000, "price": {"amount_minor": 4550, "currency": "EUR"}}, "vip": 50},
    "opens_at": "2036-01-01T09:00:00Z",
    "closes_at": "2036-06-01T20:00:00Z",
    "limit_per_customer": 4,
    "queue": {"opens_at": "2036-01-01T08:30:00Z", "draw": true},
    "return_mode": "list"
}))]
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
    /// The waiting room. With one, holds and purchases need its pass.
    pub queue: Option<QueueSettings>,
    /// Where tickets go that return: `open`, to the first customer who asks, or `list`, to
    /// the waiting list. Default: `open`.
    pub return_mode: Option<ReturnMode>,
    /// How long an offer to the waiting list holds, seconds, up to HOLD_TTL_MAX_S. Default: 900,
    /// or HOLD_TTL_MAX_S if that is less.
    #[schema(minimum = 1)]
    pub offer_ttl_s: Option<u64>,
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

/// Where tickets go that return.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReturnMode {
    /// To the first customer who asks.
    Open,
    /// To the waiting list.
    List,
}

/// How long an offer holds by default, seconds.
const OFFER_TTL_S: u64 = 900;

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
    /// The waiting room.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// An offer of another time, or without a list.
    #[error("offer_ttl_s must be between 1 and {0}, with return_mode `list` alone")]
    OfferTtl(u64),
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
        let waitlist = self.waitlist(hold_ttl_max_s)?;
        let queue = self.queue.as_ref().map(|queue| queue.checked(limits, opens_at_ms));
        Ok(EventSettings {
            closes_at_ms,
            hold_ttl_ms: self.hold_ttl_s.map(|ttl_s| ttl_s * 1_000),
            limit_per_customer: self.limit_per_customer,
            opens_at_ms,
            prices,
            queue: queue.transpose()?,
            sell_by: match self.sell_by {
                None | Some(SellBy::Anyone) => None,
                Some(SellBy::Seller) => Some(inventory::SellBy::Seller),
            },
            waitlist,
        })
    }

    fn waitlist(&self, ttl_max_s: u64) -> Result<Option<WaitlistSettings>, EventError> {
        let ttl_s = self.offer_ttl_s.unwrap_or(OFFER_TTL_S.min(ttl_max_s));
        match self.return_mode {
            Some(ReturnMode::List) if (1..=ttl_max_s).contains(&ttl_s) => {
                Ok(Some(WaitlistSettings { offer_ttl_ms: ttl_s * 1_000 }))
            }
            None | Some(ReturnMode::Open) if self.offer_ttl_s.is_none() => Ok(None),
            _ => Err(EventError::OfferTtl(ttl_max_s)),
        }
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
    /// The waiting room, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue: Option<QueueSettings>,
    /// Present for `list`: tickets that return go to the waiting list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub return_mode: Option<ReturnMode>,
    /// How long an offer to the waiting list holds, seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offer_ttl_s: Option<u64>,
    /// How many entries the waiting list has, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waitlist: Option<u64>,
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
            queue: event.settings.queue.as_ref().map(QueueSettings::from),
            return_mode: event.settings.waitlist.as_ref().map(|_| ReturnMode::List),
            offer_ttl_s: event.settings.waitlist.as_ref().map(|list| list.offer_ttl_ms / 1_000),
            waitlist: event.settings.waitlist.as_ref().map(|_| event.waitlist.waiting),
            sell_by: event.settings.sell_by.map(|inventory::SellBy::Seller| SellBy::Seller),
            seq: event.seq,
            stale,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn return_settings_are_checked() {
        let waitlist = |more: serde_json::Value| {
            let mut json = serde_json::json!({"stocks": {"general": 1}});
            json.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            let body: PutEventBody = serde_json::from_value(json).unwrap();
            let settings = body.settings(&Limits::default()).map_err(|error| error.to_string())?;
            Ok::<_, String>(settings.waitlist.map(|list| list.offer_ttl_ms))
        };
        let list = serde_json::json!({"return_mode": "list"});
        assert_eq!(waitlist(serde_json::json!({})), Ok(None));
        assert_eq!(waitlist(serde_json::json!({"return_mode": "open"})), Ok(None));
        assert_eq!(waitlist(list), Ok(Some(900_000)));
        let with = |ttl_s: u64| serde_json::json!({"return_mode": "list", "offer_ttl_s": ttl_s});
        assert_eq!(waitlist(with(3_600)), Ok(Some(3_600_000)));
        for bad in [with(0), with(3_601), serde_json::json!({"offer_ttl_s": 60})] {
            let error = waitlist(bad.clone()).expect_err("refused");
            assert!(error.contains("offer_ttl_s must be between 1 and 3600"), "{bad}: {error}");
        }
    }
}
