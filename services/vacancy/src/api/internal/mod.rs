//! Calls for the ticket service. Never routed from outside.

pub mod batch;
pub mod events;
mod updates;
