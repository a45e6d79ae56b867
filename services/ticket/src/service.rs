//! Serves ticket alone, in front of a vacancy service.

use std::future::Future;

use http_server::{
    app::{AppParts, ServiceInfo, finish},
    descriptors,
    descriptors::TooFewDescriptors,
    docs::Documentation,
    health::{CheckResult, Health, Lifecycle},
    middleware::RequestSettings,
    program::Failure,
    server,
    server::BindError,
    streams::Streams,
    token_watch,
};
use public_api::{PublicState, Ready, VacancyClient};
use telemetry::Metrics;
use thiserror::Error;
use tokio::{net::TcpListener, task::JoinSet};
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use vacancy_api::{complete, document};
use vacancy_service::{VacancySettings, key_watch};

use crate::{
    api::public_router,
    client::{RemoteVacancyClient, SetupError},
    settings::TicketSettings,
};

/// The title of the service's documentation.
pub const TITLE: &str = "Ticket Sale Service";
/// The name on /health, in metrics and on the start page.
pub const NAME: &str = "ticket";
/// The version.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The most ticket services that a request may have passed before this one.
const HOPS_MAX: u32 = 3;

/// The reason why the service did not start.
#[derive(Debug, Error)]
pub enum RunError {
    /// The address is not available.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// The client for vacancy could not be created.
    #[error(transparent)]
    Client(#[from] SetupError),
    /// A metric is registered twice.
    #[error("metrics: {0}")]
    Metrics(#[from] prometheus::Error),
    /// The process may open too few files.
    #[error(transparent)]
    Descriptors(#[from] TooFewDescriptors),
}

impl Failure for RunError {
    fn is_misconfiguration(&self) -> bool {
        match self {
            Self::Bind(error) => error.is_misconfiguration(),
            Self::Descriptors(_) => true,
            Self::Client(_) | Self::Metrics(_) => false,
        }
    }
}

/// Returns the routes of ticket, with their documentation.
pub fn routes(state: PublicState) -> OpenApiRouter {
    let head = document(TITLE, "Sells tickets: availability, events, holds, purchases.");
    OpenApiRouter::with_openapi(head).merge(public_router(state))
}

/// Returns the state of the calls, which go through `client`.
#[must_use]
pub fn state(
    settings: &TicketSettings,
    client: RemoteVacancyClient,
    streams: Streams,
) -> PublicState {
    PublicState::new(client, settings.vacancy.public(), streams)
}

/// Serves ticket on HOST and TICKET_PORT until `shutdown`.
///
/// # Errors
/// [`RunError`].
pub async fn run(
    settings: &TicketSettings,
    shutdown: impl Future<Output = ()>,
) -> Result<(), RunError> {
    let listener = server::bind(&settings.http.host, settings.port).await?;
    serve(settings, listener, shutdown).await
}

/// Serves ticket on `listener` until `shutdown`.
///
/// # Errors
/// [`RunError`].
pub async fn serve(
    settings: &TicketSettings,
    listener: TcpListener,
    shutdown: impl Future<Output = ()>,
) -> Result<(), RunError> {
    serve_with(settings, RemoteVacancyClient::new(&settings.link)?, listener, shutdown).await
}

/// Serves ticket on `listener` until `shutdown`, and sells through `client`.
///
/// # Errors
/// [`RunError`].
pub async fn serve_with(
    settings: &TicketSettings,
    client: RemoteVacancyClient,
    listener: TcpListener,
    shutdown: impl Future<Output = ()>,
) -> Result<(), RunError> {
    let connections = descriptors::fit(
        &settings.http.server(settings.vacancy.joins_per_min.is_some()),
        link_descriptors(settings),
    )?;
    let metrics = Metrics::new(NAME, VERSION)?;
    client.register(metrics.registry())?;
    let following = client.follow()?;
    let health = health(&client);
    let streams = Streams::new(settings.http.streams, health.lifecycle().clone())?;
    streams.register(metrics.registry())?;
    let state = state(settings, client, streams);
    let (router, openapi) = routes(state.clone()).split_for_parts();
    let documentation = {
        let settings = settings.vacancy.clone();
        Documentation::new(openapi.info.title, move || document_of(state.clone(), &settings))
    };
    let info = ServiceInfo::new(NAME, VERSION, settings.mode.as_str(), &settings.http.environment)
        .with_link("purchase", "/api/v1/purchase")
        .with_link("available", "/api/v1/available")
        .with_link("events", "/api/v1/events");
    let requests = RequestSettings {
        hops_max: Some(HOPS_MAX),
        is_urgent: public_api::is_urgent,
        ..settings.http.requests.clone()
    };
    let parts = AppParts::new(info, health.clone(), metrics.clone(), requests)
        .with_documentation(documentation);
    // Ends with this function.
    let mut background = JoinSet::new();
    background.spawn(token_watch::follow_roles(settings.vacancy.tokens.clone()));
    background.spawn(key_watch::follow(settings.vacancy.signing_keys.clone()));
    background.spawn(following);
    health.set_ready();
    let router = finish(router, parts);
    server::serve(listener, router, &connections, &health, &metrics, shutdown).await;
    Ok(())
}

/// Open files of the client: calls, each of which tries two addresses at once, as many idle
/// connections, the readiness probe, look-ups of names and the collector of traces.
fn link_descriptors(settings: &TicketSettings) -> usize {
    const OTHERS: usize = 6;
    3 * settings.link.batcher.calls_max + OTHERS
}

fn health(client: &RemoteVacancyClient) -> Health {
    let client = client.clone();
    Health::new(NAME).with_identity(VERSION).with_check("vacancy", move || {
        let client = client.clone();
        async move {
            let result = match client.ready().await {
                Ok(Ready { version: Some(version) }) => {
                    CheckResult::up().with_extra("vacancy_version", version)
                }
                Ok(Ready { version: None }) => CheckResult::up(),
                Err(reason) => CheckResult::down(reason),
            };
            client
                .breaker()
                .into_iter()
                .fold(result, |result, breaker| result.with_extra("breaker", breaker))
        }
    })
}

/// Returns the OpenAPI document of ticket alone.
///
/// # Errors
/// When the client for vacancy cannot be created.
pub fn openapi(settings: &TicketSettings) -> std::io::Result<OpenApi> {
    let client = RemoteVacancyClient::new(&settings.link).map_err(std::io::Error::other)?;
    let streams = Streams::new(settings.http.streams, Lifecycle::default());
    let streams = streams.map_err(std::io::Error::other)?;
    Ok(document_of(state(settings, client, streams), &settings.vacancy))
}

fn document_of(state: PublicState, settings: &VacancySettings) -> OpenApi {
    complete(&routes(state).into_openapi(), &settings.document_limits())
}
