//! vacancy: HTTP over the inventory engine.
//!
//! [`backend::StockBackend`] is the engine with its store open. [`api`] has the HTTP calls;
//! [`service`] runs both.

pub mod api;
pub mod audit;
pub mod backend;
pub mod commands;
pub mod control;
pub mod metrics;
mod progress;
pub mod service;

pub use backend::StockBackend;
