//! What a record answers to the command that made it.

use super::{HoldId, Items, PaymentRef, StockName, TimeMs};

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
