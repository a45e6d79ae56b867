//! The interface to vacancy, in this process or another one.

mod error;
mod reservation_request;
mod trace_headers;
mod vacancy_client;
mod write_request;

pub use error::ClientError;
pub use reservation_request::ReservationRequest;
pub use trace_headers::TraceHeaders;
pub use vacancy_client::{BoxFuture, Ready, VacancyClient};
pub use write_request::WriteRequest;
