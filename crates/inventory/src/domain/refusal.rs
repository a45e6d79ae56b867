//! Why the engine said no. A refusal changes nothing and is never stored.

use thiserror::Error;

use super::{StockName, TimeMs};

/// A refusal and where in the ledger it was decided.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{kind}")]
pub struct Refusal {
    /// The `seq` of the event at which it was decided; `None` when there is no event to have one.
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
    /// Less is available than was asked for.
    #[error("Insufficient inventory")]
    SoldOut {
        /// What is available of each stock that was asked for.
        available: Vec<(StockName, u64)>,
    },
    /// The customer would have more than the event allows.
    #[error("a customer may have at most {limit}, and has {has} already")]
    LimitExceeded {
        /// The event's limit.
        limit: u64,
        /// What the customer has, held and bought.
        has: u64,
    },
    /// The event has a limit per customer, and no customer was named.
    #[error("this event has a limit per customer: `customer` is required")]
    CustomerRequired,
    /// The sale has not begun.
    #[error("the sale has not opened yet")]
    NotOpenYet {
        /// When it does.
        opens_at_ms: TimeMs,
    },
    /// The sale is over.
    #[error("the sale has closed")]
    SaleClosed {
        /// Since when.
        closes_at_ms: TimeMs,
    },
    /// The hold's time ran out.
    #[error("the hold has expired")]
    HoldExpired,
    /// The hold's time ran out and its items are gone.
    #[error("the hold has expired and its items are no longer available")]
    HoldExpiredSoldOut,
    /// The hold was given back.
    #[error("the hold was released")]
    HoldReleased,
    /// The hold is a sale already.
    #[error("the hold is confirmed")]
    HoldConfirmed,
    /// The hold cannot be kept that long.
    #[error("a hold cannot be extended beyond {} s from its creation", .lifetime_max_ms / 1000)]
    ExtensionCap {
        /// The longest life of a hold.
        lifetime_max_ms: u64,
    },
    /// The hold was never confirmed, so there is nothing to refund.
    #[error("only a confirmed reservation can be refunded")]
    NotConfirmed,
    /// Nothing, or less than asked for, is left to refund.
    #[error("already refunded")]
    AlreadyRefunded,
    /// The new capacity is less than what is held and sold.
    #[error("capacity of '{stock}' cannot go below {used}: that many are held or sold")]
    CapacityBelowUse {
        /// Which stock.
        stock: StockName,
        /// Held and sold together.
        used: u64,
    },
    /// The settings are not at the version the caller saw.
    #[error("the event has changed: read it again")]
    PreconditionFailed,
    /// The event exists, and was only to be created.
    #[error("the event exists")]
    EventExists,
    /// The key was used for another request.
    #[error("this Idempotency-Key was used for a different request")]
    KeyReused,
    /// No more events can be made.
    #[error("the limit of {0} events is reached")]
    TooManyEvents(usize),
    /// No more holds can be held at once.
    #[error("the limit of {0} live holds is reached")]
    TooManyHolds(u64),
}
