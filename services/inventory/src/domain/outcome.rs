//! What a record answers to the command that made it.

use super::{HoldId, Items, PaymentRef, StockName, TimeMs};
use crate::ledger::{Change, Record};

/// The answer of an accepted command. It is made of its record alone, so a retry gets it again,
/// byte for byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The event is as asked.
    EventPut {
        /// Whether it was made now.
        created: bool,
        /// The version of its settings.
        settings_seq: u64,
    },
    /// Sold at once.
    Sold {
        /// The reservation.
        id: HoldId,
        /// What was sold.
        items: Items,
        /// What is left of each stock sold.
        left: Vec<(StockName, u64)>,
    },
    /// Held.
    Held {
        /// The hold.
        id: HoldId,
        /// What is held.
        items: Items,
        /// Until when.
        expires_at_ms: TimeMs,
    },
    /// Held for longer.
    Extended {
        /// The hold.
        id: HoldId,
        /// What is held.
        items: Items,
        /// Until when.
        expires_at_ms: TimeMs,
    },
    /// Sold what was held.
    Confirmed {
        /// The hold, now the reservation.
        id: HoldId,
        /// What was sold.
        items: Items,
        /// The payment behind it.
        payment_ref: Option<PaymentRef>,
    },
    /// Given back.
    Released,
    /// Taken back.
    Refunded {
        /// The refund.
        id: HoldId,
        /// Of which reservation.
        reservation: HoldId,
        /// What came back.
        items: Items,
    },
    /// Written down what had expired.
    ExpiryNoted,
}

impl Outcome {
    /// The answer that `record` gives.
    #[must_use]
    pub fn of(record: &Record) -> Self {
        match &record.change {
            Change::EventPut { .. } => {
                Self::EventPut { created: record.seq == 1, settings_seq: record.seq }
            }
            Change::Sold { id, items, .. } => {
                Self::Sold { id: *id, items: items.clone(), left: record.left.clone() }
            }
            Change::Held { id, items, expires_at_ms, .. } => {
                Self::Held { id: *id, items: items.clone(), expires_at_ms: *expires_at_ms }
            }
            Change::Extended { id, items, expires_at_ms } => {
                Self::Extended { id: *id, items: items.clone(), expires_at_ms: *expires_at_ms }
            }
            Change::Confirmed { id, items, payment_ref, .. } => {
                Self::Confirmed { id: *id, items: items.clone(), payment_ref: payment_ref.clone() }
            }
            Change::Released { .. } => Self::Released,
            Change::Refunded { id, reservation, items } => {
                Self::Refunded { id: *id, reservation: *reservation, items: items.clone() }
            }
            Change::Expired { .. } => Self::ExpiryNoted,
        }
    }
}
