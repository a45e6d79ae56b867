//! Ticket inventory as a state machine: commands go in, ledger records come out.
//!
//! [`decide`] holds the rules, each a pure function of the stored state, the command and the time.
//! [`ledger`] chains the records of an event by hash. [`domain`] has the nouns both use. The crate
//! does no I/O and reads neither a clock nor random numbers: callers pass the time and the ids in.
#![warn(missing_docs)]

pub mod decide;
pub mod domain;
pub mod ledger;
pub mod map;

pub use domain::{
    Command, CommandKind, Currency, CustomerId, Event, EventName, EventSettings, Hash, Hold,
    HoldId, HoldState, HoldTerms, IdempotencyKey, Item, Items, KeyUse, Limits, Money, Outcome,
    PassUse, PaymentRef, Prices, Queue, QueueSettings, Refusal, RefusalKind, SellBy, Stock,
    StockName, TimeMs,
};
