//! Running ticket alone, in front of a vacancy service.

use std::future::Future;

use http_server::{
    app::{AppParts, ServiceInfo, finish},
    docs::Documentation,
    health::{CheckResult, Health},
    server,
    server::BindError,
};
use telemetry::Metrics;
use thiserror::Error;
use tokio::net::TcpListener;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use vacancy_api::{complete, document};
use vacancy_service::VacancySettings;

use crate::{
    api::{Shop, router},
    client::{RemoteVacancyClient, SetupError},
    settings::TicketSettings,
};

/// The title of the service's documentation.
pub const TITLE: &str = "Ticket Sale Service";
/// Its name on /health, in metrics and on the start page.
pub const NAME: &str = "ticket";
/// Its version.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Why the service did not run.
#[derive(Debug, Error)]
pub enum RunError {
    /// It cannot listen.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// The client for vacancy cannot be made.
    #[error(transparent)]
    Client(#[from] SetupError),
    /// A metric is registered twice.
    #[error("metrics: {0}")]
    Metrics(#[from] prometheus::Error),
}

/// ticket's own calls with their documentation.
pub fn routes(shop: Shop) -> OpenApiRouter {
    OpenApiRouter::with_openapi(document(TITLE, "Sells tickets.")).merge(router(shop))
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

/// Like [`run`], on a listener that is open already.
///
/// # Errors
/// [`RunError`].
pub async fn serve(
    settings: &TicketSettings,
    listener: TcpListener,
    shutdown: impl Future<Output = ()>,
) -> Result<(), RunError> {
    let client = RemoteVacancyClient::new(&settings.link)?;
    let metrics = Metrics::new(NAME, VERSION)?;
    client.register(metrics.registry())?;
    let shop = Shop::new(client, settings.vacancy.limits.qty_max);
    let health = health(&shop);
    let (router, openapi) = routes(shop.clone()).split_for_parts();
    let documentation = {
        let settings = settings.vacancy.clone();
        Documentation::new(openapi.info.title, move || document_of(shop.clone(), &settings))
    };
    let info = ServiceInfo::new(NAME, VERSION, settings.mode.as_str(), &settings.http.environment)
        .with_link("purchase", "/api/v1/purchase");
    let parts =
        AppParts::new(info, health.clone(), metrics.clone(), settings.http.requests.clone())
            .with_documentation(documentation);
    health.set_ready();
    server::serve(
        listener,
        finish(router, parts),
        &settings.http.server(),
        &health,
        &metrics,
        shutdown,
    )
    .await;
    Ok(())
}

fn health(shop: &Shop) -> Health {
    let client = shop.client().clone();
    Health::new(NAME).with_check("vacancy", move || {
        let client = client.clone();
        async move {
            let result =
                client.ready().await.map_or_else(CheckResult::down, |()| CheckResult::up());
            client
                .breaker()
                .into_iter()
                .fold(result, |result, state| result.with_extra("breaker", state))
        }
    })
}

/// The OpenAPI document of ticket alone.
///
/// # Errors
/// When a client cannot be made.
pub fn openapi(settings: &TicketSettings) -> std::io::Result<OpenApi> {
    let client = RemoteVacancyClient::new(&settings.link).map_err(std::io::Error::other)?;
    let stock = &settings.vacancy;
    Ok(document_of(Shop::new(client, stock.limits.qty_max), stock))
}

fn document_of(shop: Shop, settings: &VacancySettings) -> OpenApi {
    complete(&routes(shop).into_openapi(), &settings.document_limits())
}
