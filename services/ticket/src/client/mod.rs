//! The client for vacancy over HTTP: [`RemoteVacancyClient`], a
//! [`VacancyClient`](public_api::VacancyClient).

mod link_settings;
mod refusals;
mod remote;

pub use link_settings::{BatcherSettings, BreakerSettings, EndpointSettings, VacancyLink};
pub use public_api::BoxFuture;
pub use remote::{
    Balanced, Chunks, Connector, EndpointCounts, Jitter, Opened, RemoteVacancyClient, Resolver,
    SetupError, SystemResolver, Transport, TransportError,
};
