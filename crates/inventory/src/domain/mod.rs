//! The nouns of ticket selling: events, stocks, holds, and the commands and answers about them.

mod command;
mod event;
pub mod hash;
mod hold;
mod key;
mod limits;
mod names;
mod outcome;
mod refusal;

pub use command::{Command, CommandKind};
pub use event::{Event, EventSettings, Stock};
pub use hash::Hash;
pub use hold::{Hold, HoldId, HoldState, Item, Items, ItemsError};
pub use key::{Fingerprint, IdempotencyKey, KeyUse};
pub use limits::Limits;
pub use names::{CustomerId, EventName, NameError, PaymentRef, StockName};
pub use outcome::Outcome;
pub use refusal::{Refusal, RefusalKind};

/// Milliseconds since the Unix epoch, UTC.
pub type TimeMs = u64;
