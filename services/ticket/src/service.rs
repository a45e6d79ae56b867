//! Serves ticket alone, in front of a vacancy service.

use std::future::Future;

use http_server::{
    app::{AppParts, ServiceInfo, finish},
    descriptors,
    descriptors::TooFewDescriptors,
    docs::Documentation,
    health::{CheckResult, Health},
    middleware::RequestSettings,
    program::Failure,
    server,
    server::BindError,
    token_watch,
};
use telemetry::Metrics;
use thiserror::Error;
use tokio::{net::TcpListener, task::JoinSet};
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use vacancy_api::{complete, document};
use vacancy_service::VacancySettings;

use crate::{
    api::{AppState, router},
    client::{Ready, RemoteVacancyClient, SetupError},
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
pub fn routes(state: AppState) -> OpenApiRouter {
    OpenApiRouter::with_openapi(document(TITLE, "Sells tickets.")).merge(router(state))
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
    let connections = descriptors::fit(&settings.http.server(), link_descriptors(settings))?;
    let metrics = Metrics::new(NAME, VERSION)?;
    client.register(metrics.registry())?;
    let stock = &settings.vacancy;
    let state = AppState::new(client, stock.limits.qty_max, stock.tokens.clone());
    let health = health(&state);
    let (router, openapi) = routes(state.clone()).split_for_parts();
    let documentation = {
        let settings = settings.vacancy.clone();
        Documentation::new(openapi.info.title, move || document_of(state.clone(), &settings))
    };
    let info = ServiceInfo::new(NAME, VERSION, settings.mode.as_str(), &settings.http.environment)
        .with_link("purchase", "/api/v1/purchase");
    let requests = RequestSettings { hops_max: Some(HOPS_MAX), ..settings.http.requests.clone() };
    let parts = AppParts::new(info, health.clone(), metrics.clone(), requests)
        .with_documentation(documentation);
    // Ends with this function.
    let mut background = JoinSet::new();
    background.spawn(token_watch::follow_roles(stock.tokens.clone()));
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

fn health(state: &AppState) -> Health {
    let client = state.client().clone();
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
    let stock = &settings.vacancy;
    let state = AppState::new(client, stock.limits.qty_max, stock.tokens.clone());
    Ok(document_of(state, stock))
}

fn document_of(state: AppState, settings: &VacancySettings) -> OpenApi {
    complete(&routes(state).into_openapi(), &settings.document_limits())
}
