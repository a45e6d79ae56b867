//! The rules: a pure function per command, from what is stored and the time to a change or a
//! refusal.
//!
//! [`WorkingSet`] is all that a batch of commands can see. Deciding one command changes it, so the
//! next command of the batch sees the first one's effect before anything is on disk; nobody is
//! answered until the store has committed it all.

mod append;
mod apply;
mod batch;
mod confirm;
mod decision;
mod expire;
mod extend;
mod hold;
mod put_event;
mod refund;
mod release;
mod reserve;
mod stock;
mod working_set;

pub use apply::{ApplyError, apply};
pub use batch::{BatchReply, decide_batch};
pub use expire::expire_due;
pub use working_set::{DUE_MAX, HoldSlot, KeySlot, ReadSet, WorkingSet};
