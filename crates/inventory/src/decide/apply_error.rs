//! Why records cannot be applied.

use thiserror::Error;

use crate::domain::{HoldId, StockName};

/// Why a record cannot follow from the state: a wrong rule, or a tampered ledger.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ApplyError {
    /// A `seq` is missing or repeated.
    #[error("expected seq {expected}, found {found}")]
    Gap {
        /// The expected value.
        expected: u64,
        /// The found value.
        found: u64,
    },
    /// The record does not name the hash of the one before it.
    #[error("the hash chain is broken")]
    BrokenChain,
    /// The record is older than the one before it.
    #[error("time went back")]
    TimeWentBack,
    /// The record's `left` does not match the state.
    #[error("available + held + sold does not equal capacity as recorded")]
    Balance,
    /// The event of the record is not there, or is there twice.
    #[error("the event is not there")]
    NoEvent,
    /// A stock of the record is not there.
    #[error("the event has no stock '{0}'")]
    NoStock(StockName),
    /// More is taken than there is, or more is given back than was taken.
    #[error("the count of stock '{0}' would go below zero")]
    Overdrawn(StockName),
    /// The hold of the record is not there, or is there already.
    #[error("hold {0} is not there, or is there twice")]
    NoHold(HoldId),
    /// The record's total is not the price of its items.
    #[error("the total is not the price of the items")]
    Total,
    /// The change does not follow from the waiting room.
    #[error("waiting room: {0}")]
    Queue(&'static str),
    /// The change does not follow from the waiting list.
    #[error("waiting list: {0}")]
    Waitlist(&'static str),
    /// The hold is not in the state that the change needs.
    #[error("hold {0} is in another state than the record says")]
    HoldState(HoldId),
}
