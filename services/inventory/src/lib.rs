//! The inventory engine: who may have which ticket, decided once and kept for ever.
//!
//! Commands go in, ledger records come out. [`decide`] holds the rules, each a pure function of
//! what is stored, the command and the time; [`ledger`] chains the records by hash; a
//! [`store::Store`] keeps records and the state they change together; [`engine::Engine`] is the
//! group commit around them. Nothing here knows HTTP or SQL.
#![warn(missing_docs)]

pub mod decide;
pub mod domain;
pub mod engine;
pub mod ledger;
mod map;
#[cfg(feature = "planted-bugs")]
pub mod planted;
#[cfg(not(feature = "planted-bugs"))]
pub(crate) mod planted;
pub mod store;
pub mod transfer;
pub mod verify;

pub use domain::{
    Command, CommandKind, CustomerId, Event, EventName, EventSettings, Hold, HoldId, HoldState,
    IdempotencyKey, Item, Items, KeyUse, Limits, Outcome, PaymentRef, Refusal, RefusalKind, Stock,
    StockName, TimeMs,
};
pub use engine::{Engine, EngineError, Reply, Request};
