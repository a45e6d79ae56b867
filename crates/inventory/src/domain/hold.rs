//! Holds and the items they take. A sale without a hold is a hold that was born confirmed.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use uuid::Uuid;

use super::{CustomerId, EventName, Money, PaymentRef, StockName, TimeMs};

/// Identifies a hold, and the reservation it becomes. 74 of its bits are random: it cannot be
/// guessed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct HoldId(Uuid);

impl HoldId {
    /// A UUID of version 7 (RFC 9562): time first, so that neighbours in time are neighbours in the
    /// store.
    #[must_use]
    pub fn new(at_ms: TimeMs, random: [u8; 10]) -> Self {
        Self(uuid::Builder::from_unix_timestamp_millis(at_ms, &random).into_uuid())
    }

    /// The 16 bytes, big-endian.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }

    /// Its text, written to `into`.
    pub(crate) fn write_to<'a>(
        &self,
        into: &'a mut [u8; uuid::fmt::Hyphenated::LENGTH],
    ) -> &'a str {
        self.0.hyphenated().encode_lower(into)
    }

    /// The id with these 16 bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }
}

impl fmt::Display for HoldId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0.hyphenated(), f)
    }
}

impl std::str::FromStr for HoldId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, uuid::Error> {
        Uuid::parse_str(text).map(Self)
    }
}

/// A quantity of one stock.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Item {
    /// How many, at least 1.
    pub qty: u64,
    /// Of which stock.
    pub stock: StockName,
}

/// Why a list of items is invalid.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ItemsError {
    /// There is none.
    #[error("items must name at least one stock")]
    Empty,
    /// A quantity is 0 or above the limit.
    #[error("qty must be between 1 and {qty_max}")]
    Qty {
        /// The most that one item may ask for.
        qty_max: u64,
    },
    /// More items than the limit.
    #[error("at most {items_max} items can be asked for at once")]
    TooMany {
        /// The most items of one request.
        items_max: usize,
    },
    /// A stock is named more than once.
    #[error("stock '{0}' is named twice")]
    Twice(StockName),
}

/// Items of different stocks, ordered by stock name: equal requests have equal values.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Items(Vec<Item>);

impl Items {
    /// Orders `items` and checks them.
    ///
    /// # Errors
    /// [`ItemsError`] when empty, too many, a stock is repeated, or a quantity is outside
    /// `1..=qty_max`.
    pub fn new(mut items: Vec<Item>, items_max: usize, qty_max: u64) -> Result<Self, ItemsError> {
        if items.is_empty() {
            return Err(ItemsError::Empty);
        }
        if items.len() > items_max {
            return Err(ItemsError::TooMany { items_max });
        }
        if items.iter().any(|item| item.qty == 0 || item.qty > qty_max) {
            return Err(ItemsError::Qty { qty_max });
        }
        items.sort_by(|a, b| a.stock.cmp(&b.stock));
        if let Some(pair) = items.windows(2).find(|pair| pair[0].stock == pair[1].stock) {
            return Err(ItemsError::Twice(pair[0].stock.clone()));
        }
        Ok(Self(items))
    }

    /// One item. The caller has checked `qty`.
    #[must_use]
    pub fn one(stock: StockName, qty: u64) -> Self {
        Self(vec![Item { qty, stock }])
    }

    /// No items, as after a full refund.
    #[must_use]
    pub fn none() -> Self {
        Self(Vec::new())
    }

    /// The items, ordered by stock name.
    pub fn iter(&self) -> std::slice::Iter<'_, Item> {
        self.0.iter()
    }

    /// The quantity of `stock` among them, 0 when it is not named.
    #[must_use]
    pub fn qty_of(&self, stock: &StockName) -> u64 {
        self.0.iter().find(|item| item.stock == *stock).map_or(0, |item| item.qty)
    }

    /// The quantity of all of them together. A ledger that is not valid may name any quantity: the
    /// sum ends at the largest number.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.iter().fold(0, |sum, item| sum.saturating_add(item.qty))
    }

    /// True where nothing is left, as after a full refund.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// These and `others` together.
    #[must_use]
    pub fn and(&self, others: &Items) -> Items {
        let mut all = self.0.clone();
        for other in others {
            match all.iter_mut().find(|item| item.stock == other.stock) {
                Some(item) => item.qty = item.qty.saturating_add(other.qty),
                None => all.push(other.clone()),
            }
        }
        all.sort_by(|a, b| a.stock.cmp(&b.stock));
        Self(all)
    }

    /// As many of each as `most` says, at most; without those of which there are none.
    #[must_use]
    pub fn at_most(&self, most: impl Fn(&StockName) -> u64) -> Items {
        let some = self
            .0
            .iter()
            .map(|item| Item { qty: item.qty.min(most(&item.stock)), stock: item.stock.clone() });
        Self(some.filter(|item| item.qty > 0).collect())
    }

    /// Whether these and `others` have a stock in common.
    #[must_use]
    pub fn shares(&self, others: &Items) -> bool {
        self.0.iter().any(|item| others.qty_of(&item.stock) > 0)
    }

    /// These without `others`; `None` when `others` has more of a stock than these.
    #[must_use]
    pub fn without(&self, others: &Items) -> Option<Items> {
        if others.iter().any(|other| other.qty > self.qty_of(&other.stock)) {
            return None;
        }
        let left = self.0.iter().map(|item| Item {
            qty: item.qty - others.qty_of(&item.stock),
            stock: item.stock.clone(),
        });
        Some(Self(left.filter(|item| item.qty > 0).collect()))
    }
}

impl<'a> IntoIterator for &'a Items {
    type Item = &'a Item;
    type IntoIter = std::slice::Iter<'a, Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// The state of a hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HoldState {
    /// Its items are not available until it expires.
    Held,
    /// Its items are sold.
    Confirmed,
    /// Given back by its owner.
    Released,
    /// Expired.
    Expired,
    /// In the waiting list: it holds nothing yet, or what it has collected.
    Waiting,
}

/// Most payments of one hold that come too late and are recorded.
pub const REFUNDS_DUE_MAX: usize = 32;

/// What a hold says about money.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldTerms {
    /// The price of its items when it was made.
    pub total: Option<Money>,
    /// The payment that the seller started.
    pub payment_started: Option<PaymentRef>,
    /// The payments that came too late, at most [`REFUNDS_DUE_MAX`].
    pub refunds_due: Vec<PaymentRef>,
}

/// A hold's place in the waiting list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// Its number: those with lower numbers come first.
    pub number: u64,
    /// How many offers to others took what it needs, while it was the first to need it.
    pub passed_over: u32,
    /// What is kept for it, because it was passed over too often.
    pub collected: Items,
}

/// A hold as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Its id.
    pub id: HoldId,
    /// The event it belongs to.
    pub event: EventName,
    /// The items it took.
    pub items: Items,
    /// The items still sold and not refunded; empty unless confirmed.
    pub live: Items,
    /// The customer.
    pub customer: Option<CustomerId>,
    /// Its state by its last record.
    pub state: HoldState,
    /// When it was made, or offered to the entry of the waiting list, by the ledger's time.
    pub created_at_ms: TimeMs,
    /// The first moment at which it no longer holds; 0 for a sale without a hold.
    pub expires_at_ms: TimeMs,
    /// The payment named by the confirmation.
    pub payment_ref: Option<PaymentRef>,
    /// The `seq` of the last record about it.
    pub seq: u64,
    /// The `seq` of the record that confirmed it.
    pub confirmed_seq: Option<u64>,
    /// What it says about money. Stores write it apart from the other fields.
    #[serde(skip)]
    pub terms: HoldTerms,
    /// Its place in the waiting list, while it waits. Stores write it apart as well.
    #[serde(skip)]
    pub waiting: Option<Waiting>,
}

impl Hold {
    /// Its state at `now_ms`: a hold past its expiry is expired whether or not a record says so
    /// yet.
    #[must_use]
    pub fn state_at(&self, now_ms: TimeMs) -> HoldState {
        let out_of_time = self.expires_at_ms <= now_ms;
        if self.state == HoldState::Held && out_of_time { HoldState::Expired } else { self.state }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stock(name: &str) -> StockName {
        StockName::new(name).unwrap()
    }

    fn item(qty: u64, name: &str) -> Item {
        Item { qty, stock: stock(name) }
    }

    #[test]
    fn items_are_ordered_distinct_and_bounded() {
        let items = Items::new(vec![item(1, "vip"), item(2, "general")], 4, 10).unwrap();
        assert_eq!(items.iter().map(|i| i.stock.as_str()).collect::<Vec<_>>(), ["general", "vip"]);
        assert_eq!(Items::new(vec![], 4, 10), Err(ItemsError::Empty));
        assert_eq!(Items::new(vec![item(11, "a")], 4, 10), Err(ItemsError::Qty { qty_max: 10 }));
        assert_eq!(Items::new(vec![item(0, "a")], 4, 10), Err(ItemsError::Qty { qty_max: 10 }));
        assert_eq!(
            Items::new(vec![item(1, "a"), item(1, "a")], 4, 10),
            Err(ItemsError::Twice(stock("a")))
        );
        assert_eq!(
            Items::new(vec![item(1, "a"), item(1, "b")], 1, 10),
            Err(ItemsError::TooMany { items_max: 1 })
        );
    }

    #[test]
    fn items_can_be_refunded_in_part_up_to_their_total() {
        let items = Items::new(vec![item(3, "a"), item(1, "b")], 4, 10).unwrap();
        assert_eq!(items.without(&Items::one(stock("a"), 3)), Some(Items::one(stock("b"), 1)));
        assert_eq!(items.without(&Items::one(stock("a"), 4)), None);
        assert_eq!(items.without(&Items::one(stock("c"), 1)), None);
        assert!(items.without(&items).unwrap().is_empty());
    }
}
