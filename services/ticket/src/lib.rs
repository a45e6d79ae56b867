//! ticket: sells what vacancy keeps.
//!
//! [`client::VacancyClient`] is the one way to vacancy: over HTTP ([`client::RemoteVacancyClient`])
//! or in the same process ([`client::LocalVacancyClient`]). [`service`] puts the calls on top of
//! one or the other.

pub mod api;
pub mod buy;
pub mod client;
pub mod service;
pub mod settings;

pub use settings::TicketSettings;
