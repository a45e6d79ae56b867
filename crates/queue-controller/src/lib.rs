//! Runs waiting rooms: what a draw commits to, its reveal, and the calls of places.
//!
//! Every decision is the engine's, which refuses a reveal or a call that does not follow from the
//! ledger. So any number of processes may run a [`Controller`] over one store, and each may end at
//! any time: of two that call places, one does, and the next one goes on where the ledger ends.
#![warn(missing_docs)]

mod controller;
mod counts;
mod draws;
mod health;
mod metrics;
mod queues;
mod settings;

pub use controller::Controller;
pub use metrics::QueueMetrics;
pub use queues::{CommitError, Queues};
pub use settings::{QueueArgs, QueueSettings};
