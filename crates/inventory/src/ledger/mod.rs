//! The ledger: per event a gap-free chain of records. It is the source of truth, the sales log and
//! the audit trail at once.

mod body;
mod canonical;
mod outcome;
mod queue;
mod record;

pub use body::{BodyError, joined_leaves};
pub use queue::{
    DrawFrozen, DrawRevealed, PassClaimed, QueueCalled, QueueChange, QueueJoined, QueuePaused,
};
pub use record::{Change, Record};
