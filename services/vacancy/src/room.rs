//! The stock room: the engine with its store open, and what is done with both from outside HTTP.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use inventory::engine::{Clock, Environment, SystemClock};
use inventory::store::{DataDir, DataDirError, EmbeddedStore, OwnedStore, StoreError};
use inventory::transfer::LedgerSource;
use inventory::{CommandKind, Engine, EngineError, EventName, EventSettings, RefusalKind, Request, StockName};
use thiserror::Error;

use crate::api::{DEFAULT_EVENT, DEFAULT_STOCK};
use crate::control::{Control, Restored};
use crate::settings::VacancySettings;

/// Why the stock room did not open.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The store cannot be opened.
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    /// The store's files make no sense.
    #[error("the store cannot be opened, its files are damaged: {0}. Restore a backup")]
    Damaged(String),
    /// The committer cannot be started.
    #[error("the committer cannot be started: {0}")]
    Committer(io::Error),
    /// The default event cannot be created.
    #[error("event '{DEFAULT_EVENT}' cannot be created: {0}")]
    DefaultEvent(String),
}

/// Why an open stock room has to close.
pub enum Closing {
    /// The store failed: end the process, recovery decides.
    Failed(StoreError),
    /// A restored store is complete: close, accept it, and open again.
    Restored(Restored),
}

/// The engine, its store, and the control socket.
pub struct StockRoom {
    engine: Engine,
    control: Control,
    data_dir: PathBuf,
}

impl StockRoom {
    /// Opens the store in DATA_DIR, and creates the default event if there has never been one.
    ///
    /// # Errors
    /// [`OpenError`].
    pub async fn open(settings: &VacancySettings) -> Result<Self, OpenError> {
        let (path, options) = (settings.data_dir.clone(), settings.store.clone());
        // Opening reads the disk, and after a crash the journal: not on the runtime's threads.
        let opened = tokio::task::spawn_blocking(move || EmbeddedStore::open(path, &options)).await;
        let store = opened.map_err(|error| OpenError::Damaged(error.to_string()))??;
        warn_of_the_clock(&store);
        let source = store.ledger_source();
        let engine = Engine::start(store, settings.limits.clone(), Environment::system()).map_err(OpenError::Committer)?;
        create_default_event(&engine, settings.initial_stock).await?;
        let control = Control::listen(settings, source);
        Ok(Self { engine, control, data_dir: settings.data_dir.clone() })
    }

    /// The engine.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Waits until it has to close by itself. When that is for a restored store, nothing is sold from this one any more.
    pub async fn closing(&self) -> Closing {
        tokio::select! {
            error = self.engine.failed() => Closing::Failed(error),
            restored = self.control.restored() => {
                self.engine.stop().await;
                Closing::Restored(restored)
            }
        }
    }

    /// Ends copies under way, writes what is waiting and closes the store.
    pub async fn close(self) {
        self.control.stop().await;
        self.engine.stop().await;
        tracing::info!(data_dir = %self.data_dir.display(), "the store is closed");
    }
}

/// Lets a complete restore take the place of a closed store. Whoever still reads from that one is waited for.
///
/// # Errors
/// [`OpenError`]; the store is as it was.
pub async fn accept(settings: &VacancySettings, restored: &Restored) -> Result<(), OpenError> {
    const READERS_MAX: Duration = Duration::from_secs(10);
    let since = Instant::now();
    let dir = loop {
        match DataDir::lock_existing(settings.data_dir.clone()) {
            Err(DataDirError::Locked(_)) if since.elapsed() < READERS_MAX => tokio::time::sleep(Duration::from_millis(20)).await,
            locked => break locked?,
        }
    };
    restored.staged.accept()?;
    drop(dir);
    Ok(())
}

/// A ledger's time never goes back. When it is ahead of the clock, holds live until the clock has caught up.
fn warn_of_the_clock(store: &EmbeddedStore) {
    const AHEAD_MAX_MS: u64 = 60_000;
    let now_ms = SystemClock::default().now_ms();
    let ahead_ms = store.views().iter().map(|view| view.event.at_ms.saturating_sub(now_ms)).max().unwrap_or(0);
    if ahead_ms > AHEAD_MAX_MS {
        tracing::error!(ahead_s = ahead_ms / 1_000, "the ledger is ahead of this machine's clock: is the clock right?");
    }
}

/// Copies of a running store's ledger go through this handle.
pub(crate) type Source = LedgerSource;

async fn create_default_event(engine: &Engine, initial_stock: u64) -> Result<(), OpenError> {
    let failed = |error: String| OpenError::DefaultEvent(error);
    let event = EventName::new(DEFAULT_EVENT).map_err(|error| failed(error.to_string()))?;
    let stock = StockName::new(DEFAULT_STOCK).map_err(|error| failed(error.to_string()))?;
    let capacities = BTreeMap::from([(stock, initial_stock)]);
    let kind = CommandKind::PutEvent { event, capacities, settings: EventSettings::default(), if_settings_seq: None, only_create: true };
    match engine.submit(Request::new(kind)).await.map_err(|error: EngineError| failed(error.to_string()))?.result {
        Ok(_) => {
            tracing::info!(initial_stock, "created event '{DEFAULT_EVENT}'");
            Ok(())
        }
        Err(refusal) if refusal.kind == RefusalKind::EventExists => Ok(()),
        Err(refusal) => Err(failed(refusal.to_string())),
    }
}
