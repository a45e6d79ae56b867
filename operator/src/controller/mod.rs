//! Runs the pipeline for every resource in every watched namespace.

mod backoff;
mod cache;
mod claim;
mod client;
mod context;
mod election;
mod operator;
mod reconcile;
mod reconcile_error;
mod retries;
mod run;
mod update_status;
mod watch;

pub use client::client;
pub use operator::{Operator, SetupError};
pub use reconcile_error::ReconcileError;
