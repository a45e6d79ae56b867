//! Violations of the rules, and their positions.

use std::fmt;

use inventory::domain::{EventName, HoldId, IdempotencyKey, StockName, TimeMs};
use thiserror::Error;

/// The position of a violation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Position {
    /// A record of a ledger.
    Record {
        /// The event.
        event: EventName,
        /// Its `seq`.
        seq: u64,
    },
    /// A stored row that should follow from the ledgers.
    Row {
        /// The table.
        table: &'static str,
        /// The key of the row.
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

/// The first violation found.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{at}: {kind}")]
pub struct Violation {
    /// The position.
    pub at: Position,
    /// The broken rule.
    pub kind: ViolationKind,
}

/// The rules.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ViolationKind {
    /// The bytes are not a record in canonical form.
    #[error("not a record: {0}")]
    NotARecord(String),
    /// The record is in the ledger of another event, or at another place.
    #[error("its body names seq {seq} of event '{event}'")]
    Misplaced {
        /// The event it names.
        event: EventName,
        /// The place it names.
        seq: u64,
    },
    /// A record is missing or repeated.
    #[error("a record is missing or repeated: expected seq {expected}")]
    Gap {
        /// The expected value.
        expected: u64,
    },
    /// The records of an event are not contiguous.
    #[error("records of this event are not contiguous")]
    NotContiguous,
    /// The record does not name the hash of the record before it.
    #[error("the hash chain is broken: it does not name the hash of the record before it")]
    Chain,
    /// The record is older than the one before it.
    #[error("time went back from {before_ms} to {at_ms}")]
    TimeWentBack {
        /// The time of the record before it.
        before_ms: TimeMs,
        /// The time of the record.
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
        /// The stock.
        stock: StockName,
        /// The capacity.
        capacity: u64,
        /// The held quantity.
        held: u64,
        /// The sold quantity.
        sold: u64,
    },
    /// More is returned than was taken.
    #[error("more of stock '{0}' is returned than was taken")]
    Underflow(StockName),
    /// Available + held + sold differs from the capacity by the record's `left`.
    #[error("balance mismatch: the record leaves {left} of stock '{stock}', the ledger {expected}")]
    Balance {
        /// The stock.
        stock: StockName,
        /// The remaining quantity by the record.
        left: u64,
        /// The remaining quantity by the ledger.
        expected: u64,
    },
    /// The record's `left` does not name its stocks.
    #[error("`left` does not name exactly the stocks the record touches")]
    Left,
    /// A hold is used against its state.
    #[error("hold {id}: {why}")]
    Hold {
        /// The hold.
        id: HoldId,
        /// The reason.
        why: &'static str,
    },
    /// A record follows the expiry of a hold that was not recorded first.
    #[error("hold {id} had expired at {expires_at_ms}, and its expiry was not written first")]
    Unexpired {
        /// The hold.
        id: HoldId,
        /// Its expiry time.
        expires_at_ms: TimeMs,
    },
    /// Sold or held outside the sale's window.
    #[error("sold or held outside the sale window")]
    Closed,
    /// The waiting room is used against its rules.
    #[error("waiting room: {0}")]
    Queue(&'static str),
    /// The waiting list is used against its rules.
    #[error("waiting list: {0}")]
    Waitlist(&'static str),
    /// A customer has more than the event allows.
    #[error("its customer has {has}, and the limit is {limit}")]
    Limit {
        /// The customer's quantity after this record.
        has: u64,
        /// The limit of the event.
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
        /// The place of the other effect.
        event: EventName,
        /// The place of the other effect.
        seq: u64,
    },
    /// A stored row, or the number of rows, differs from the ledgers.
    #[error("{0}")]
    State(String),
}
