//! The outcomes of commands.

use super::{HoldId, Items, Money, PaymentRef, StockName, TimeMs};

/// A place as its command is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JoinedPlace {
    /// Its number, from 0.
    pub index: u64,
    /// Its turn, from 1; none when it takes part in a draw.
    pub turn: Option<u64>,
}

/// The answer of an accepted command. It is made of its record alone, so a retry gets it again,
/// byte for byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The event is as asked.
    EventPut {
        /// Whether it was created now.
        created: bool,
        /// The version of its settings.
        settings_seq: u64,
    },
    /// The event is deleted.
    EventDeleted,
    /// Sold at once.
    Sold {
        /// The reservation.
        id: HoldId,
        /// The sold items.
        items: Items,
        /// The remaining quantity of each sold stock.
        left: Vec<(StockName, u64)>,
        /// The price of the items.
        total: Option<Money>,
    },
    /// Held.
    Held {
        /// The hold.
        id: HoldId,
        /// The held items.
        items: Items,
        /// The expiry time.
        expires_at_ms: TimeMs,
        /// The price of the items.
        total: Option<Money>,
    },
    /// Held for longer.
    Extended {
        /// The hold.
        id: HoldId,
        /// The held items.
        items: Items,
        /// The expiry time.
        expires_at_ms: TimeMs,
    },
    /// Held for the time of the payment.
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
    /// A payment that came too late is recorded.
    RefundDue,
    /// The held items were sold.
    Confirmed {
        /// The hold, now the reservation.
        id: HoldId,
        /// The sold items.
        items: Items,
        /// The payment.
        payment_ref: Option<PaymentRef>,
    },
    /// The hold was released.
    Released,
    /// A reservation was refunded, all or in part.
    Refunded {
        /// The refund.
        id: HoldId,
        /// The reservation.
        reservation: HoldId,
        /// The refunded items.
        items: Items,
    },
    /// Due expiries were written.
    ExpiryNoted,
    /// There are places for some leaves at least.
    Joined {
        /// The places, in the order of the leaves; none for a leaf that could not join. Asked for
        /// alone, it is refused with the reason.
        places: Vec<Option<JoinedPlace>>,
    },
    /// The place has its pass.
    PassClaimed {
        /// The pass.
        pass: HoldId,
        /// When it expires.
        expires_at_ms: TimeMs,
    },
    /// In the waiting list.
    Waiting {
        /// The entry, which becomes a hold when it is offered its items.
        id: HoldId,
        /// The items it waits for.
        items: Items,
    },
    /// The waiting room goes on as asked.
    QueueAdvanced,
}
