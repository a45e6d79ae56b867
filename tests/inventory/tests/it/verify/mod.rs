//! Verification: valid ledgers pass, and every kind of violation is found at its position.

mod ledger;
mod money;
mod queue;
mod queue_ledger;
mod queue_stores;
mod rules;
mod stores;
mod waitlist;
mod waitlist_ledger;
mod waitlist_rows;

pub use ledger::audit;
