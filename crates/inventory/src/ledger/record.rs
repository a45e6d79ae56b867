//! One accepted change, and everything that follows from it.

use std::collections::BTreeMap;

use draw::Leaf;

use super::queue::QueueChange;
use crate::domain::{
    CustomerId, EventName, EventSettings, Hash, HoldId, Items, KeyUse, LookupKey, Money,
    PaymentRef, StockName, TimeMs,
};

/// The change of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Sets capacities and settings.
    EventPut {
        /// Every stock and its capacity.
        capacities: BTreeMap<StockName, u64>,
        /// All settings.
        settings: EventSettings,
    },
    /// Removes all stocks and settings.
    EventDeleted,
    /// Available becomes sold.
    Sold {
        /// The reservation made.
        id: HoldId,
        /// The sold items.
        items: Items,
        /// The customer.
        customer: Option<CustomerId>,
        /// The price of the items.
        total: Option<Money>,
        /// The place of the waiting room whose pass was used.
        place: Option<Leaf>,
    },
    /// Available becomes held.
    Held {
        /// The hold made.
        id: HoldId,
        /// The held items.
        items: Items,
        /// The customer.
        customer: Option<CustomerId>,
        /// The expiry time.
        expires_at_ms: TimeMs,
        /// The price of the items.
        total: Option<Money>,
        /// The place of the waiting room whose pass was used.
        place: Option<Leaf>,
    },
    /// Extends a hold.
    Extended {
        /// The hold.
        id: HoldId,
        /// The held items.
        items: Items,
        /// The expiry time.
        expires_at_ms: TimeMs,
    },
    /// Extends a hold for the time of its payment.
    PaymentStarted {
        /// The hold.
        id: HoldId,
        /// The held items.
        items: Items,
        /// The expiry time.
        expires_at_ms: TimeMs,
        /// The payment.
        payment_ref: PaymentRef,
    },
    /// A payment came when the hold had expired and could not be sold again. Moves nothing.
    RefundDue {
        /// The hold.
        id: HoldId,
        /// The payment.
        payment_ref: PaymentRef,
        /// What was paid, as the seller said, or the hold's total.
        amount: Option<Money>,
    },
    /// Held becomes sold; if the hold had expired, available becomes sold.
    Confirmed {
        /// The hold.
        id: HoldId,
        /// The sold items.
        items: Items,
        /// The payment.
        payment_ref: Option<PaymentRef>,
        /// Whether the hold had expired and its items were taken again.
        reacquired: bool,
    },
    /// Held becomes available: released.
    Released {
        /// The hold.
        id: HoldId,
        /// The items it held.
        items: Items,
    },
    /// Held becomes available: expired.
    Expired {
        /// The hold.
        id: HoldId,
        /// The items it held.
        items: Items,
    },
    /// Sold becomes available.
    Refunded {
        /// The refund.
        id: HoldId,
        /// The reservation.
        reservation: HoldId,
        /// The refunded items.
        items: Items,
    },
    /// Changes the waiting room. Moves nothing.
    Queue(QueueChange),
    /// Adds an entry to the waiting list. Moves nothing.
    WaitlistJoined {
        /// The entry.
        id: HoldId,
        /// The items it waits for.
        items: Items,
        /// The customer.
        customer: Option<CustomerId>,
    },
    /// Removes an entry. What was kept for it becomes available.
    WaitlistLeft {
        /// The entry.
        id: HoldId,
        /// What was kept for it.
        items: Items,
    },
    /// Available becomes held: kept for an entry until it has all of its items.
    WaitlistCollected {
        /// The entry.
        id: HoldId,
        /// What is kept for it from now on.
        items: Items,
    },
    /// An entry becomes a hold: what was not kept for it becomes held.
    HoldOffered {
        /// The entry, from now on the hold.
        id: HoldId,
        /// All of its items.
        items: Items,
        /// The customer.
        customer: Option<CustomerId>,
        /// The expiry time.
        expires_at_ms: TimeMs,
        /// The price of the items.
        total: Option<Money>,
        /// The first entry before it that needs a stock of these items, and that could have what
        /// it waits for.
        over: Option<HoldId>,
    },
}

impl Change {
    /// The hold or reservation it is about.
    #[must_use]
    pub fn hold(&self) -> Option<HoldId> {
        match self {
            Self::EventPut { .. } | Self::EventDeleted | Self::Queue(_) => None,
            Self::Sold { id, .. }
            | Self::Held { id, .. }
            | Self::Extended { id, .. }
            | Self::PaymentStarted { id, .. }
            | Self::RefundDue { id, .. }
            | Self::Confirmed { id, .. }
            | Self::Released { id, .. }
            | Self::Expired { id, .. }
            | Self::WaitlistJoined { id, .. }
            | Self::WaitlistLeft { id, .. }
            | Self::WaitlistCollected { id, .. }
            | Self::HoldOffered { id, .. } => Some(*id),
            Self::Refunded { reservation, .. } => Some(*reservation),
        }
    }

    /// The entry of the waiting list that an offer passes over.
    #[must_use]
    pub fn over(&self) -> Option<HoldId> {
        match self {
            Self::HoldOffered { over, .. } => *over,
            _ => None,
        }
    }

    /// The items it moves, or waits for; none for a change of the event itself, or of money alone.
    #[must_use]
    pub fn items(&self) -> Option<&Items> {
        match self {
            Self::EventPut { .. }
            | Self::EventDeleted
            | Self::RefundDue { .. }
            | Self::Queue(_) => None,
            Self::Sold { items, .. }
            | Self::Held { items, .. }
            | Self::Extended { items, .. }
            | Self::PaymentStarted { items, .. }
            | Self::Confirmed { items, .. }
            | Self::Released { items, .. }
            | Self::Expired { items, .. }
            | Self::Refunded { items, .. }
            | Self::WaitlistJoined { items, .. }
            | Self::WaitlistLeft { items, .. }
            | Self::WaitlistCollected { items, .. }
            | Self::HoldOffered { items, .. } => Some(items),
        }
    }

    /// The customer it names.
    #[must_use]
    pub fn customer(&self) -> Option<&CustomerId> {
        match self {
            Self::Sold { customer, .. }
            | Self::Held { customer, .. }
            | Self::WaitlistJoined { customer, .. }
            | Self::HoldOffered { customer, .. } => customer.as_ref(),
            _ => None,
        }
    }

    /// The price of the items that it takes.
    #[must_use]
    pub fn total(&self) -> Option<Money> {
        match self {
            Self::Sold { total, .. }
            | Self::Held { total, .. }
            | Self::HoldOffered { total, .. } => *total,
            _ => None,
        }
    }

    /// The oldest format of stores whose versions can read it: 2 knows prices and payments, 3
    /// waiting rooms.
    #[must_use]
    pub fn format(&self) -> u32 {
        match self {
            Self::Queue(_)
            | Self::WaitlistJoined { .. }
            | Self::WaitlistLeft { .. }
            | Self::WaitlistCollected { .. }
            | Self::HoldOffered { .. } => 3,
            Self::EventPut { settings, .. }
                if settings.queue.is_some() || settings.waitlist.is_some() =>
            {
                3
            }
            Self::EventPut { settings, .. } => {
                if settings.prices.is_empty() && settings.sell_by.is_none() { 1 } else { 2 }
            }
            Self::PaymentStarted { .. } | Self::RefundDue { .. } => 2,
            _ if self.place().is_some() => 3,
            _ if self.total().is_some() => 2,
            _ => 1,
        }
    }

    /// The place of the waiting room whose pass it uses.
    #[must_use]
    pub fn place(&self) -> Option<&Leaf> {
        match self {
            Self::Sold { place, .. } | Self::Held { place, .. } => place.as_ref(),
            _ => None,
        }
    }

    /// The places that it makes or changes.
    #[must_use]
    pub fn leaves(&self) -> &[Leaf] {
        match self {
            Self::Queue(change) => change.leaves(),
            _ => self.place().map_or(&[], std::slice::from_ref),
        }
    }

    /// The key that it gives to its hold or reservation.
    #[must_use]
    pub fn lookup_key(&self) -> Option<LookupKey<'_>> {
        match self {
            Self::Sold { customer, .. }
            | Self::Held { customer, .. }
            | Self::WaitlistJoined { customer, .. } => customer.as_ref().map(LookupKey::Customer),
            Self::Confirmed { payment_ref, .. } => payment_ref.as_ref().map(LookupKey::PaymentRef),
            Self::PaymentStarted { payment_ref, .. } | Self::RefundDue { payment_ref, .. } => {
                Some(LookupKey::PaymentRef(payment_ref))
            }
            Self::EventPut { .. }
            | Self::EventDeleted
            | Self::Extended { .. }
            | Self::Released { .. }
            | Self::Expired { .. }
            | Self::Refunded { .. }
            | Self::Queue(_)
            | Self::WaitlistLeft { .. }
            | Self::WaitlistCollected { .. }
            | Self::HoldOffered { .. } => None,
        }
    }

    /// The kinds of changes, as [`Change::kind`] returns them.
    pub const KINDS: [&str; 22] = [
        "event_put",
        "event_deleted",
        "sold",
        "held",
        "extended",
        "payment_started",
        "confirmed",
        "released",
        "expired",
        "refunded",
        "refund_due",
        QueueChange::KINDS[0],
        QueueChange::KINDS[1],
        QueueChange::KINDS[2],
        QueueChange::KINDS[3],
        QueueChange::KINDS[4],
        QueueChange::KINDS[5],
        QueueChange::KINDS[6],
        "waitlist_joined",
        "waitlist_left",
        "waitlist_collected",
        "hold_offered",
    ];

    /// Its name in the ledger.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::EventPut { .. } => "event_put",
            Self::EventDeleted => "event_deleted",
            Self::Sold { .. } => "sold",
            Self::Held { .. } => "held",
            Self::Extended { .. } => "extended",
            Self::PaymentStarted { .. } => "payment_started",
            Self::RefundDue { .. } => "refund_due",
            Self::Confirmed { .. } => "confirmed",
            Self::Released { .. } => "released",
            Self::Expired { .. } => "expired",
            Self::Refunded { .. } => "refunded",
            Self::Queue(change) => change.kind(),
            Self::WaitlistJoined { .. } => "waitlist_joined",
            Self::WaitlistLeft { .. } => "waitlist_left",
            Self::WaitlistCollected { .. } => "waitlist_collected",
            Self::HoldOffered { .. } => "hold_offered",
        }
    }
}

/// A record of an event's ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The event.
    pub event: EventName,
    /// Its place: 1, 2, 3, … without gaps.
    pub seq: u64,
    /// The hash of the record before it.
    pub prev: Hash,
    /// The time of the decision; never less than that of the record before it.
    pub at_ms: TimeMs,
    /// The change.
    pub change: Change,
    /// The quantity available afterwards of each stock in the record, ordered by name.
    pub left: Vec<(StockName, u64)>,
    /// The idempotency key of the request behind it.
    pub key: Option<KeyUse>,
}
