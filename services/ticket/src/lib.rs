//! ticket sells the stock that vacancy manages.
//!
//! [`api`] has the handlers. They sell through a [`public_api::VacancyClient`]: over HTTP, or in the
//! same process. [`service`] serves them; the binary also serves the monolith.

pub mod api;
pub mod buy;
pub mod client;
pub mod service;
pub mod settings;
pub mod verify_draw;
pub mod webhooks;

pub use settings::TicketSettings;
