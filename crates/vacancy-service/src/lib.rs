//! The stock as both services call it: the engine with its defaults and its settings. vacancy puts
//! HTTP in front of it; in the monolith, ticket calls it in the same process.
#![warn(missing_docs)]

mod answer;
pub mod key_watch;
mod local_client;
mod problem;
mod reservation;
pub mod settings;

pub use answer::answer_of;
pub use local_client::LocalVacancyClient;
pub use problem::problem_of_engine;
pub use reservation::ReservationService;
pub use settings::VacancySettings;
