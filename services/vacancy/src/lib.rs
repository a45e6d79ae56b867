//! vacancy: HTTP over the inventory engine.
//!
//! [`room::StockRoom`] is the engine with its store open; [`api`] is what it answers over HTTP;
//! [`service`] runs both.

pub mod api;
pub mod audit;
pub mod commands;
pub mod control;
pub mod metrics;
pub mod room;
pub mod service;
pub mod settings;
pub mod wire;

pub use room::StockRoom;
pub use settings::VacancySettings;
