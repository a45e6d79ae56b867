//! A second, naive statement of the rules: no counters, no index, no ledger. The available quantity
//! is the sum over all holds, computed for every command.

mod confirm;
pub mod history;
mod money;
mod put;
mod queue;
pub mod queue_history;
mod queue_step;
mod room;
mod rules;
mod state;

pub use state::Model;
