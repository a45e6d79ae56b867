//! Running the service: open, serve, close, and open again after a restore.

use std::{future::Future, sync::Arc, time::Duration};

use http_server::{
    app::{AppParts, ServiceInfo, finish},
    descriptors,
    descriptors::TooFewDescriptors,
    docs::Documentation,
    health::{CheckResult, Health, Lifecycle},
    middleware::RequestSettings,
    program::Failure,
    server,
    server::{BindError, ServerSettings},
    streams::Streams,
    token_watch,
};
use inventory_embedded::{EmbeddedStore, EmbeddedWebhooks};
use inventory_engine::{Engine, EngineError, Environment};
use inventory_store::StoreError;
use queue_controller::{Controller, QueueMetrics};
use telemetry::Metrics;
use thiserror::Error;
use tokio::{net::TcpListener, task::JoinSet};
use tokio_util::sync::CancellationToken;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use uuid::Uuid;
use vacancy_api::{complete, document};
use vacancy_service::{VacancySettings, key_watch};
use webhooks::{Manager, Webhooks};

use crate::{
    api::{AppState, router},
    backend::{Closing, OpenError, StockBackend, accept_restore},
    control::{ControlResponse, Restored},
};

/// The title of the service's documentation.
pub const TITLE: &str = "Vacancy Control Service";

/// Why the service ended without a shutdown signal.
#[derive(Debug, Error)]
pub enum RunError {
    /// It cannot listen.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// The stock backend did not open.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// A metric is registered twice.
    #[error("metrics: {0}")]
    Metrics(#[from] prometheus::Error),
    /// The store failed while it ran.
    #[error("{0}; start again, and recovery decides what happened")]
    Store(StoreError),
    /// The process may open too few files.
    #[error(transparent)]
    Descriptors(#[from] TooFewDescriptors),
}

impl Failure for RunError {
    fn is_misconfiguration(&self) -> bool {
        match self {
            Self::Bind(error) => error.is_misconfiguration(),
            Self::Descriptors(_) => true,
            Self::Open(_) | Self::Metrics(_) | Self::Store(_) => false,
        }
    }
}

/// A service with the stock in its process: vacancy alone, or the monolith.
pub trait StockService: Clone + Send + Sync + 'static {
    /// Its name on /health, in metrics and on the start page.
    const NAME: &'static str;
    /// The version on the start page and in metrics.
    const VERSION: &'static str;

    /// Its calls over an open stock, with their documentation.
    fn routes(&self, state: AppState) -> OpenApiRouter;
}

/// vacancy alone.
#[derive(Debug, Clone, Copy)]
pub struct Vacancy;

impl StockService for Vacancy {
    const NAME: &'static str = "vacancy";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");

    fn routes(&self, state: AppState) -> OpenApiRouter {
        OpenApiRouter::with_openapi(document(
            TITLE,
            "Keeps the stock of events: availability, holds, sales, refunds, the ledger.",
        ))
        .merge(router(state))
    }
}

/// Serves on HOST and `port` until `shutdown`; a restore closes and opens the stock in between.
///
/// # Errors
/// [`RunError`].
pub async fn run<S: StockService>(
    service: &S,
    settings: &VacancySettings,
    port: u16,
    shutdown: impl Future<Output = ()>,
) -> Result<(), RunError> {
    // Ends with this function.
    let mut background = JoinSet::new();
    background.spawn(token_watch::follow_roles(settings.tokens.clone()));
    background.spawn(key_watch::follow(settings.signing_keys.clone()));
    let connections = descriptors::fit(
        &settings.http.server(settings.joins_per_min.is_some()),
        store_descriptors(settings),
    )?;
    let listener = server::bind(&settings.http.host, port).await?;
    // After a restore it must be the same port, also when it was chosen by the system.
    let port = listener.local_addr().map_or(port, |address| address.port());
    let mut listener = Some(listener);
    let mut restored: Option<Restored> = None;
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        // It may wait long for another process or for a database, and must not be deaf meanwhile.
        let backend = tokio::select! {
            backend = StockBackend::open(settings) => backend?,
            () = shutdown.as_mut() => return Ok(()),
        };
        let listener = match listener.take() {
            Some(listener) => listener,
            None => server::bind(&settings.http.host, port).await?,
        };
        // The caller may be gone. If not, its next call finds a listener.
        if let Some(Restored { manifest, done, .. }) = restored.take() {
            let _ = done.send(ControlResponse::done(&manifest));
        }
        match serve(service, settings, &connections, &backend, listener, shutdown.as_mut()).await? {
            None => {
                backend.close().await;
                return Ok(());
            }
            Some(Closing::Restored(complete)) => {
                backend.close().await;
                accept_restore(settings, &complete).await?;
                tracing::info!(records = complete.manifest.records, "opening restored store");
                restored = Some(complete);
            }
            Some(Closing::Failed(error)) => return Err(RunError::Store(error)),
        }
    }
}

/// Serves an open stock backend; returns why it closes, or `None` for the shutdown.
async fn serve<S: StockService>(
    service: &S,
    settings: &VacancySettings,
    connections: &ServerSettings,
    backend: &StockBackend,
    listener: TcpListener,
    shutdown: impl Future<Output = ()>,
) -> Result<Option<Closing>, RunError> {
    let metrics = Metrics::new(S::NAME, S::VERSION)?;
    crate::metrics::register(backend.engine(), metrics.registry())?;
    if let Some(watch) = backend.watch() {
        crate::metrics::register_database(watch, metrics.registry())?;
    }
    let health = health::<S>(backend);
    let streams = Streams::new(settings.http.streams, health.lifecycle().clone())?;
    streams.register(metrics.registry())?;
    let engine = backend.engine();
    let webhooks = Webhooks::new(backend.webhooks(), engine.clone(), settings.webhooks.clone())?;
    webhooks.register(metrics.registry())?;
    let state = AppState::new(engine.clone(), settings, streams, webhooks.clone());
    let queue_metrics = QueueMetrics::new()?;
    queue_metrics.register(metrics.registry())?;
    let controller = Controller::new(engine.clone(), state.queues().clone(), queue_metrics);
    let (routes, openapi) = service.routes(state.clone()).split_for_parts();
    let documentation = {
        let (service, settings) = (service.clone(), settings.clone());
        Documentation::new(openapi.info.title, move || {
            document_of(&service, state.clone(), &settings)
        })
    };
    let info =
        ServiceInfo::new(S::NAME, S::VERSION, settings.mode.as_str(), &settings.http.environment)
            .with_link("available", "/api/v1/available")
            .with_link("events", "/api/v1/events");
    let requests =
        RequestSettings { is_urgent: crate::api::is_urgent, ..settings.http.requests.clone() };
    let parts = AppParts::new(info, health.clone(), metrics.clone(), requests)
        .with_documentation(documentation);
    let mut closing = None;
    let ended = async {
        tokio::select! {
            why = backend.closing() => closing = Some(why),
            () = shutdown => {}
        }
    };
    health.set_ready();
    // Both end with the server, before the store closes.
    let background = CancellationToken::new();
    let manager = Manager::new(webhooks, Uuid::new_v4()).run(background.clone());
    let manager = tokio::spawn(manager);
    let controller = tokio::spawn(controller.run(background.clone()));
    let router = finish(routes, parts);
    let served = server::serve(listener, router, connections, &health, &metrics, ended);
    let failure = tokio::select! {
        _ = served => None,
        // Draining saves nothing: fail the waiting requests, then exit so that recovery can start.
        error = failed(backend) => Some(Closing::Failed(error)),
    };
    background.cancel();
    if let Err(error) = manager.await {
        tracing::error!(%error, "deliveries to webhooks ended early");
    }
    if let Err(error) = controller.await {
        tracing::error!(%error, "the controller of waiting rooms ended early");
    }
    Ok(failure.or(closing))
}

/// Open files of the stock: those of the store or connections to the database, the control socket,
/// and a connection to the collector of traces.
fn store_descriptors(settings: &VacancySettings) -> usize {
    const OTHERS: usize = 4;
    let store = match &settings.postgres {
        None => settings.store.descriptors(),
        // A connection that is being replaced may still be open.
        Some(database) => 2 * (database.writers + database.readers + 1),
    };
    store + OTHERS
}

async fn failed(backend: &StockBackend) -> StoreError {
    const RESPONSE_GRACE: Duration = Duration::from_millis(200);
    let error = backend.engine().failed().await;
    tokio::time::sleep(RESPONSE_GRACE).await;
    error
}

/// Ready when the engine takes requests. It is asked under two names: as the store behind it, and
/// as vacancy.
fn health<S: StockService>(backend: &StockBackend) -> Health {
    let check = |engine: Engine| {
        move || {
            std::future::ready(match engine.check() {
                Ok(()) => CheckResult::up(),
                // Its words are fit for the public.
                Err(EngineError::Store(StoreError::Unavailable(why))) => {
                    CheckResult::down(why.to_string())
                }
                Err(error) => CheckResult::down(error.to_string()),
            })
        }
    };
    Health::new(S::NAME)
        .with_identity(S::VERSION)
        .with_check("store", check(backend.engine().clone()))
        .with_check("vacancy", check(backend.engine().clone()))
}

/// The OpenAPI document of `service`, with nothing being served.
///
/// # Errors
/// When a store for the moment cannot be made.
pub fn openapi<S: StockService>(
    service: &S,
    settings: &VacancySettings,
) -> std::io::Result<OpenApi> {
    let dir = tempfile::tempdir()?;
    let store = EmbeddedStore::open(dir.path(), &settings.store).map_err(std::io::Error::other)?;
    // Its committer never runs: the calls are only looked at.
    let (engine, _committer) =
        Engine::assemble(store, settings.limits.clone(), Environment::system());
    let streams = Streams::new(settings.http.streams, Lifecycle::default());
    let streams = streams.map_err(std::io::Error::other)?;
    let receivers = Arc::new(EmbeddedWebhooks::in_memory());
    let webhooks = Webhooks::new(receivers, engine.clone(), settings.webhooks.clone());
    let webhooks = webhooks.map_err(std::io::Error::other)?;
    Ok(document_of(service, AppState::new(engine, settings, streams, webhooks), settings))
}

fn document_of<S: StockService>(
    service: &S,
    state: AppState,
    settings: &VacancySettings,
) -> OpenApi {
    complete(&service.routes(state).into_openapi(), &settings.document_limits())
}
