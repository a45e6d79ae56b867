//! The calls that read events.

pub mod get;
pub mod list;
