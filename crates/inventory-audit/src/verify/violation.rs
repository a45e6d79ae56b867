//! What can be wrong, and where.

use std::fmt;

use inventory::domain::{EventName, HoldId, IdempotencyKey, StockName, TimeMs};
use thiserror::Error;

/// Where something is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Position {
    /// A record of a ledger.
    Record {
        /// Whose.
        event: EventName,
        /// Its place.
        seq: u64,
    },
    /// A stored row that should follow from the ledgers.
    Row {
        /// Of which table.
        table: &'static str,
        /// Which.
        row: String,
    },
    /// The collection as a whole.
    Whole(&'static str),
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Record { event, seq } => write!(f, "event '{event}', seq {seq}"),
            Self::Row { table, row } => write!(f, "table {table}, row {row}"),
            Self::Whole(what) => f.write_str(what),
        }
    }
}

/// The first thing found wrong.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{at}: {kind}")]
pub struct Violation {
    /// Where.
    pub at: Position,
    /// The broken rule.
    pub kind: ViolationKind,
}

/// The rules.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ViolationKind {
    /// The bytes are no record in canonical form.
    #[error("not a record: {0}")]
    NotARecord(String),
    /// The record stands in the ledger of another event, or under another number.
    #[error("its body names seq {seq} of event '{event}'")]
    Misplaced {
        /// The event it names.
        event: EventName,
        /// The place it names.
        seq: u64,
    },
    /// A record is missing or there twice.
    #[error("a record is missing or repeated: expected seq {expected}")]
    Gap {
        /// What should have come.
        expected: u64,
    },
    /// The records of an event do not stand together.
    #[error("records of this event are not contiguous")]
    NotContiguous,
    /// It does not name the hash of the record before it.
    #[error("the hash chain is broken: it does not name the hash of the record before it")]
    Chain,
    /// It is older than the record before it.
    #[error("time went back from {before_ms} to {at_ms}")]
    TimeWentBack {
        /// The time of the record before it.
        before_ms: TimeMs,
        /// Its own.
        at_ms: TimeMs,
    },
    /// The first record does not create the event.
    #[error("first record does not create the event")]
    NotCreated,
    /// The event has no such stock.
    #[error("the event has no stock '{0}'")]
    NoStock(StockName),
    /// More is held and sold than there is.
    #[error("oversold: stock '{stock}' has capacity {capacity}, and {held} held + {sold} sold")]
    Oversold {
        /// Which stock.
        stock: StockName,
        /// How many there are.
        capacity: u64,
        /// How many are held.
        held: u64,
        /// How many are sold.
        sold: u64,
    },
    /// More comes back than was taken.
    #[error("more of stock '{0}' is returned than was taken")]
    Underflow(StockName),
    /// Available + held + sold is not capacity by the record's own count.
    #[error("balance mismatch: the record leaves {left} of stock '{stock}', the ledger {expected}")]
    Balance {
        /// Which stock.
        stock: StockName,
        /// What the record says is left.
        left: u64,
        /// What is left by the sum of the ledger.
        expected: u64,
    },
    /// The record does not count what it touches.
    #[error("`left` does not name exactly the stocks the record touches")]
    Left,
    /// A hold is used against its state.
    #[error("hold {id}: {why}")]
    Hold {
        /// Which.
        id: HoldId,
        /// What is wrong.
        why: &'static str,
    },
    /// Something happened while a hold was past its time, and no record had said so.
    #[error("hold {id} had expired at {expires_at_ms}, and its expiry was not written first")]
    Unexpired {
        /// Which.
        id: HoldId,
        /// Since when.
        expires_at_ms: TimeMs,
    },
    /// Sold or held outside the sale's window.
    #[error("sold or held outside the sale window")]
    Closed,
    /// A customer has more than the event allows.
    #[error("its customer has {has}, and the limit is {limit}")]
    Limit {
        /// What the customer has with this.
        has: u64,
        /// What the event allows.
        limit: u64,
    },
    /// The event has a limit per customer, and the sale names none.
    #[error("the event has a limit per customer, and this names none")]
    NoCustomer,
    /// A key had an effect already.
    #[error("key {:?} was already used: event '{event}', seq {seq}", .key.as_str())]
    KeyTwice {
        /// Which key.
        key: IdempotencyKey,
        /// Where its other effect is.
        event: EventName,
        /// Where its other effect is.
        seq: u64,
    },
    /// A stored row, or their number, is not what follows from the ledgers.
    #[error("{0}")]
    State(String),
}
