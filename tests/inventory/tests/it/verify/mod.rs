//! Verification: valid ledgers pass, and every kind of violation is found at its position.

mod ledger;
mod money;
mod rules;
mod stores;

pub use ledger::audit;
