//! The stock as both services call it: the engine with its defaults and its settings. vacancy puts
//! HTTP in front of it; in the monolith, ticket calls it in the same process.
#![warn(missing_docs)]

mod problem;
mod reservation;
pub mod settings;

pub use problem::problem_of_engine;
pub use reservation::{DEFAULT_EVENT, DEFAULT_STOCK, ReservationService};
pub use settings::VacancySettings;
