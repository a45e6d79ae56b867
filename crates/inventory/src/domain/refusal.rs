//! Refusals of commands. A refusal changes nothing and is never stored.

use thiserror::Error;

use super::{Money, PaymentRef, StockName, TimeMs};

/// A refusal and where in the ledger it was decided.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{kind}")]
pub struct Refusal {
    /// The `seq` of the event at the decision; `None` when the event does not exist.
    pub seq: Option<u64>,
    /// The reason.
    pub kind: RefusalKind,
}

/// The reasons.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RefusalKind {
    /// No event of that name.
    #[error("event not found")]
    EventNotFound,
    /// The event has no stock of that name.
    #[error("the event has no stock '{0}'")]
    StockNotFound(StockName),
    /// No hold or reservation of that id.
    #[error("hold not found")]
    HoldNotFound,
    /// Less is available than requested.
    #[error("Insufficient inventory")]
    SoldOut {
        /// The available quantity of each requested stock.
        available: Vec<(StockName, u64)>,
    },
    /// The customer would have more than the event allows.
    #[error("a customer may have at most {limit}, and has {has} already")]
    LimitExceeded {
        /// The event's limit.
        limit: u64,
        /// The customer's quantity, held and bought.
        has: u64,
    },
    /// The event has a limit per customer, and the command names no customer.
    #[error("this event has a limit per customer: `customer` is required")]
    CustomerRequired,
    /// The sale has not opened yet.
    #[error("the sale has not opened yet")]
    NotOpenYet {
        /// The opening time.
        opens_at_ms: TimeMs,
        /// The time until then, milliseconds.
        wait_ms: u64,
    },
    /// The sale has closed.
    #[error("the sale has closed")]
    SaleClosed {
        /// The closing time.
        closes_at_ms: TimeMs,
    },
    /// The hold has expired.
    #[error("the hold has expired")]
    HoldExpired,
    /// The hold has expired and its items are no longer available, or it has as many records of
    /// late payments as it may have.
    #[error("the hold has expired and can no longer be sold")]
    HoldExpiredSoldOut,
    /// The payment came too late: the hold has expired, and its items are no longer available or
    /// would exceed the limit of its customer. The ledger says that the payment has to be
    /// returned, and no later attempt with it succeeds.
    #[error("the hold has expired and can no longer be sold; the payment has to be refunded")]
    RefundDue {
        /// The payment.
        payment_ref: PaymentRef,
    },
    /// The hold was confirmed with another payment, or without one.
    #[error("the hold was confirmed with another payment_ref")]
    PaidOtherwise,
    /// The paid amount is not the total of the hold.
    #[error("amount must be the total of the hold")]
    AmountMismatch {
        /// The total; none if its items have no price.
        total: Option<Money>,
    },
    /// Another payment of this hold was started.
    #[error("another payment of this hold was started")]
    PaymentStarted,
    /// Only the seller may sell what the event has.
    #[error("only the seller may sell tickets of this event")]
    SellerOnly,
    /// The prices of the items have more than one currency.
    #[error("the prices of the items have more than one currency")]
    MixedCurrencies,
    /// The price of the items exceeds the largest amount.
    #[error("the total of the items is too large")]
    TotalTooLarge,
    /// The hold was released.
    #[error("the hold was released")]
    HoldReleased,
    /// The hold is confirmed.
    #[error("the hold is confirmed")]
    HoldConfirmed,
    /// The extension exceeds the maximum lifetime of a hold.
    #[error("a hold cannot be extended beyond {} s from its creation", .lifetime_max_ms / 1000)]
    ExtensionCap {
        /// The maximum lifetime of a hold.
        lifetime_max_ms: u64,
    },
    /// The hold was never confirmed, so it cannot be refunded.
    #[error("only a confirmed reservation can be refunded")]
    NotConfirmed,
    /// Nothing, or less than asked for, is left to refund.
    #[error("already refunded")]
    AlreadyRefunded,
    /// The new capacity is below the quantity held and sold.
    #[error("capacity of '{stock}' cannot go below {used}: that many are held or sold")]
    CapacityBelowUse {
        /// The stock.
        stock: StockName,
        /// The quantity held and sold.
        used: u64,
    },
    /// The settings are newer than the version the caller read.
    #[error("the event has changed: read it again")]
    PreconditionFailed,
    /// The event exists already.
    #[error("the event exists")]
    EventExists,
    /// Some of the event is held or sold.
    #[error("the event cannot be deleted: {used} of its tickets are held or sold")]
    EventInUse {
        /// The quantity held and sold.
        used: u64,
    },
    /// The key was used for another request.
    #[error("this Idempotency-Key was used for a different request")]
    KeyReused,
    /// The event has no waiting room, or no longer this one.
    #[error("the event has no waiting room")]
    QueueNotFound,
    /// Nobody can join the waiting room now.
    #[error("the waiting room is closed")]
    QueueClosed {
        /// When it opens, if that is still to come.
        opens_at_ms: Option<TimeMs>,
    },
    /// The waiting room has all the places that it may have.
    #[error("the limit of {0} places is reached")]
    QueueFull(u64),
    /// The waiting room has places, so neither its draw nor its opening can change.
    #[error("people are in the waiting room: its opening and its draw cannot change any more")]
    QueueInUse,
    /// The waiting room has moved on since the caller looked.
    #[error("the waiting room has moved on")]
    QueueMoved,
    /// A draw begins, and the caller commits to nothing.
    #[error("a draw needs a commitment")]
    DrawNotCommitted,
    /// The waiting room has no such place.
    #[error("the place is not one of this waiting room")]
    PlaceNotFound,
    /// The place is not called.
    #[error("{}", if *.lapsed { "the turn of the place has lapsed, and there is no room now" } else { "the place has not been called yet" })]
    NotCalled {
        /// Whether it was called before, and did not claim its pass in time.
        lapsed: bool,
    },
    /// The event has a waiting room, and the command shows no pass of it.
    #[error("this event needs the pass of its waiting room")]
    PassRequired,
    /// The pass was used, or has expired.
    #[error("the pass was used or has expired")]
    PassSpent,
    /// Returns of the event go to nobody in particular.
    #[error("the event has no waiting list")]
    WaitlistClosed,
    /// The waiting list has all the entries that it may have.
    #[error("the limit of {0} entries of the waiting list is reached")]
    WaitlistFull(u64),
    /// The items can be had at once.
    #[error("the items are available: hold them")]
    Available,
    /// The entry of the waiting list has not been offered its items.
    #[error("the entry of the waiting list has not been offered its items yet")]
    StillWaiting,
    /// The entry of the waiting list was offered its items.
    #[error("the items were offered: release the hold")]
    Offered,
    /// The limit of events is reached.
    #[error("the limit of {0} events is reached")]
    TooManyEvents(usize),
    /// The limit of live holds is reached.
    #[error("the limit of {0} live holds is reached")]
    TooManyHolds(u64),
}
