//! Clients for vacancy.
//!
//! [`VacancyClient`] is the interface that the handlers use. [`RemoteVacancyClient`] implements it
//! over HTTP, [`LocalVacancyClient`] calls the engine in the same process.

mod error;
mod link_settings;
mod local;
mod purchase_request;
mod refusals;
mod remote;
mod trace_headers;
mod vacancy_client;

pub use error::ClientError;
pub use link_settings::{BatcherSettings, BreakerSettings, EndpointSettings, VacancyLink};
pub use local::LocalVacancyClient;
pub use purchase_request::PurchaseRequest;
pub use remote::{
    Balanced, Connector, EndpointCounts, Jitter, RemoteVacancyClient, Resolver, SetupError,
    SystemResolver, Transport, TransportError,
};
pub use trace_headers::TraceHeaders;
pub use vacancy_client::{BoxFuture, Ready, VacancyClient};
