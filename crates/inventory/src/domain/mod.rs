//! The nouns of ticket selling: events, stocks, holds, and the commands and answers about them.

mod command;
mod event;
pub mod hash;
mod hold;
mod key;
mod limits;
mod lookup;
mod money;
mod names;
mod outcome;
mod place;
mod queue;
mod refusal;
mod total;

pub use command::{Command, CommandKind, PassUse};
pub use event::{Event, EventSettings, SellBy, Stock, Waitlist, WaitlistSettings};
pub use hash::Hash;
pub use hold::{
    Hold, HoldId, HoldState, HoldTerms, Item, Items, ItemsError, REFUNDS_DUE_MAX, Waiting,
};
pub use key::{Fingerprint, IdempotencyKey, KeyUse};
pub use limits::Limits;
pub use lookup::LookupKey;
pub use money::{Currency, Money, Prices};
pub use names::{CustomerId, EventName, NameError, PaymentRef, StockName};
pub use outcome::{JoinedPlace, Outcome};
pub use place::{Pass, Passes, Place};
pub use queue::{
    BeaconRound, BeaconSignature, Call, Covered, Draw, DrawCommitment, DrawRule, Frozen, PlaceCall,
    Queue, QueueSettings, Revealed, Turn,
};
pub use refusal::{Refusal, RefusalKind};
pub use total::{TotalError, total};

/// Milliseconds since the Unix epoch, UTC.
pub type TimeMs = u64;
