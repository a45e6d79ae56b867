//! Running the service: open, serve, close, and open again after a restore.

use std::{future::Future, time::Duration};

use http_server::{
    app::{AppParts, ServiceInfo, finish},
    docs::Documentation,
    health::{CheckResult, Health},
    middleware::RequestSettings,
    server,
    server::BindError,
};
use inventory_embedded::EmbeddedStore;
use inventory_engine::{Engine, EngineError, Environment};
use inventory_store::StoreError;
use telemetry::Metrics;
use thiserror::Error;
use tokio::net::TcpListener;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::{
    api::{App, complete, document, router},
    control::{Restored, Told},
    room::{Closing, OpenError, StockRoom, accept},
    settings::VacancySettings,
};

/// The title of the service's documentation.
pub const TITLE: &str = "Vacancy Control Service";

/// Why the service ended other than by being told to.
#[derive(Debug, Error)]
pub enum RunError {
    /// It cannot listen.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// The stock room did not open.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// A metric is registered twice.
    #[error("metrics: {0}")]
    Metrics(#[from] prometheus::Error),
    /// The store failed while it ran.
    #[error("{0}; start again, and recovery decides what happened")]
    Store(StoreError),
}

/// A service that keeps the stock, as it is put together: vacancy alone, or the monolith.
pub trait Keeper: Clone + Send + Sync + 'static {
    /// Its name on /health, in metrics and on the start page.
    const NAME: &'static str;
    /// The version on the start page and in metrics.
    const VERSION: &'static str;

    /// Its calls over an open stock room, with their documentation.
    fn routes(&self, app: App) -> OpenApiRouter;
}

/// vacancy alone.
#[derive(Debug, Clone, Copy)]
pub struct Vacancy;

impl Keeper for Vacancy {
    const NAME: &'static str = "vacancy";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");

    fn routes(&self, app: App) -> OpenApiRouter {
        OpenApiRouter::with_openapi(document(
            TITLE,
            "Keeps the stock of events: availability, holds, sales, refunds, the ledger.",
        ))
        .merge(router(app))
    }
}

/// Serves on HOST and `port` until `shutdown`; a restore closes and opens the stock in between.
///
/// # Errors
/// [`RunError`].
pub async fn run<K: Keeper>(
    keeper: &K,
    settings: &VacancySettings,
    port: u16,
    shutdown: impl Future<Output = ()>,
) -> Result<(), RunError> {
    let listener = server::bind(&settings.http.host, port).await?;
    // After a restore it must be the same port, also when it was chosen by the system.
    let port = listener.local_addr().map_or(port, |address| address.port());
    let mut listener = Some(listener);
    let mut restored: Option<Restored> = None;
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        // It may wait long for another process or for a database, and must not be deaf meanwhile.
        let room = tokio::select! {
            room = StockRoom::open(settings) => room?,
            () = shutdown.as_mut() => return Ok(()),
        };
        if let Some(Restored { manifest, done, .. }) = restored.take() {
            // Who asked may be gone.
            let _ = done.send(Told::done(&manifest));
        }
        let listener = match listener.take() {
            Some(listener) => listener,
            None => server::bind(&settings.http.host, port).await?,
        };
        match serve(keeper, settings, &room, listener, shutdown.as_mut()).await? {
            None => {
                room.close().await;
                return Ok(());
            }
            Some(Closing::Restored(complete)) => {
                room.close().await;
                accept(settings, &complete).await?;
                tracing::info!(records = complete.manifest.records, "opening the restored store");
                restored = Some(complete);
            }
            Some(Closing::Failed(error)) => return Err(RunError::Store(error)),
        }
    }
}

/// Serves an open stock room; tells why it has to close, or `None` for the shutdown.
async fn serve<K: Keeper>(
    keeper: &K,
    settings: &VacancySettings,
    room: &StockRoom,
    listener: TcpListener,
    shutdown: impl Future<Output = ()>,
) -> Result<Option<Closing>, RunError> {
    let metrics = Metrics::new(K::NAME, K::VERSION)?;
    crate::metrics::register(room.engine(), metrics.registry())?;
    if let Some(watch) = room.watch() {
        crate::metrics::register_database(watch, metrics.registry())?;
    }
    let health = health::<K>(room);
    let app = App::new(room.engine().clone(), settings);
    let (routes, openapi) = keeper.routes(app.clone()).split_for_parts();
    let documentation = {
        let (keeper, settings) = (keeper.clone(), settings.clone());
        Documentation::new(openapi.info.title, move || document_of(&keeper, app.clone(), &settings))
    };
    let info =
        ServiceInfo::new(K::NAME, K::VERSION, settings.mode.as_str(), &settings.http.environment)
            .with_link("available", "/api/v1/available")
            .with_link("events", "/api/v1/events");
    let requests =
        RequestSettings { is_urgent: crate::api::is_urgent, ..settings.http.requests.clone() };
    let parts = AppParts::new(info, health.clone(), metrics.clone(), requests)
        .with_documentation(documentation);
    let mut closing = None;
    let ended = async {
        tokio::select! {
            why = room.closing() => closing = Some(why),
            () = shutdown => {}
        }
    };
    health.set_ready();
    let router = finish(routes, parts);
    let connections = settings.http.server();
    let served = server::serve(listener, router, &connections, &health, &metrics, ended);
    tokio::select! {
        _ = served => Ok(closing),
        // Nothing can be saved by draining: let those who wait hear of it, and make room for the recovery.
        error = failed(room) => Ok(Some(Closing::Failed(error))),
    }
}

async fn failed(room: &StockRoom) -> StoreError {
    const LAST_WORDS: Duration = Duration::from_millis(200);
    let error = room.engine().failed().await;
    tokio::time::sleep(LAST_WORDS).await;
    error
}

/// Ready when the engine takes requests. It is asked under two names: as the store behind it, and
/// as vacancy.
fn health<K: Keeper>(room: &StockRoom) -> Health {
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
    Health::new(K::NAME)
        .with_check("store", check(room.engine().clone()))
        .with_check("vacancy", check(room.engine().clone()))
}

/// The OpenAPI document of `keeper`, with nothing being served.
///
/// # Errors
/// When a store for the moment cannot be made.
pub fn openapi<K: Keeper>(keeper: &K, settings: &VacancySettings) -> std::io::Result<OpenApi> {
    let dir = tempfile::tempdir()?;
    let store = EmbeddedStore::open(dir.path(), &settings.store).map_err(std::io::Error::other)?;
    // Its committer never runs: the calls are only looked at.
    let (engine, _committer) =
        Engine::assemble(store, settings.limits.clone(), Environment::system());
    Ok(document_of(keeper, App::new(engine, settings), settings))
}

fn document_of<K: Keeper>(keeper: &K, app: App, settings: &VacancySettings) -> OpenApi {
    complete(&keeper.routes(app).into_openapi(), settings)
}
