//! The rules: a pure function per command, from the stored state and the time to a change or a
//! refusal.
//!
//! [`WorkingSet`] is the whole state that a batch of commands sees. Deciding one command changes
//! it, so the next command of the batch sees the first one's effect before anything is on disk; no
//! reply is sent until the store has committed the whole batch.

mod append;
mod apply;
mod apply_error;
mod apply_hold;
mod apply_queue;
mod apply_waitlist;
mod batch;
mod confirm;
mod decision;
mod delete_event;
mod expire;
mod extend;
mod hold;
mod put_event;
mod queue;
mod refund;
mod release;
mod reserve;
mod start_payment;
mod stock;
mod waitlist;
mod working_set;

pub use apply::apply;
pub use apply_error::ApplyError;
pub use batch::{BatchReply, decide_batch};
pub use expire::expire_due;
pub use working_set::{DUE_MAX, HoldSlot, KeySlot, ReadSet, WAITING_MAX, WorkingSet};
