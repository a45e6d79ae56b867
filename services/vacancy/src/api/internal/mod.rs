//! Calls for the ticket service. Never routed from outside.

pub mod batch;
mod command;
pub mod events;
mod updates;
