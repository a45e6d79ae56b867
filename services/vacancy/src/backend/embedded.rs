//! The stock in a directory of this process.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use inventory_embedded::{DataDir, DataDirError, EmbeddedStore, EmbeddedWebhooks};
use inventory_engine::{Engine, Environment};
use inventory_store::{Clock, OwnedStore, SystemClock};
use vacancy_service::VacancySettings;

use super::{
    closing::Closing,
    default_event::{self, Creation},
    error::OpenError,
};
use crate::control::{ControlServer, Restored};

/// The engine, its store, and the control socket.
pub struct EmbeddedBackend {
    pub(super) engine: Engine,
    pub(super) webhooks: EmbeddedWebhooks,
    control: ControlServer,
    data_dir: PathBuf,
}

impl EmbeddedBackend {
    /// Opens the store in DATA_DIR, and creates the default event if there has never been one.
    ///
    /// # Errors
    /// [`OpenError`].
    pub(super) async fn open(settings: &VacancySettings) -> Result<Self, OpenError> {
        let (dir, options) =
            (lock(&settings.data_dir, settings.data_dir_wait).await?, settings.store.clone());
        // Opening reads the disk, and after a crash the journal: not on the runtime's threads.
        let opened =
            tokio::task::spawn_blocking(move || EmbeddedStore::open_in(dir, &options)).await;
        let store = opened.map_err(|error| OpenError::Damaged(error.to_string()))??;
        warn_if_clock_is_behind(&store);
        let webhooks = EmbeddedWebhooks::open(&settings.data_dir)
            .map_err(|error| OpenError::Damaged(error.to_string()))?;
        let source = store.ledger_source();
        let engine = Engine::start(store, settings.limits.clone(), Environment::system())
            .map_err(OpenError::Committer)?;
        if let Creation::Retry(error) =
            default_event::create(&engine, settings.initial_stock).await?
        {
            return Err(OpenError::DefaultEvent(error.to_string()));
        }
        let control = ControlServer::listen(settings, source);
        Ok(Self { engine, webhooks, control, data_dir: settings.data_dir.clone() })
    }

    /// Waits until the backend has to close by itself. For a restored store, the engine over the
    /// old store is stopped first.
    pub(super) async fn closing(&self) -> Closing {
        tokio::select! {
            error = self.engine.failed() => Closing::Failed(error),
            restored = self.control.restored() => {
                self.engine.stop().await;
                Closing::Restored(restored)
            }
        }
    }

    /// Ends running copies, commits queued requests and closes the store.
    pub(super) async fn close(self) {
        self.control.stop().await;
        self.engine.stop().await;
        tracing::info!(data_dir = %self.data_dir.display(), "store closed");
    }
}

/// Locks the data directory, waiting for another process to release it: an evicted pod still holds
/// it when its successor starts, and a successor that exits is restarted only after a growing
/// pause.
async fn lock(path: &Path, wait: Duration) -> Result<DataDir, DataDirError> {
    let since = Instant::now();
    let mut logged = false;
    loop {
        match DataDir::lock(path.to_owned()) {
            Err(DataDirError::Locked(_)) if since.elapsed() < wait => {
                if !std::mem::replace(&mut logged, true) {
                    tracing::info!(data_dir = %path.display(), wait_s = wait.as_secs(), "data directory is locked by another process; waiting");
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            locked => return locked,
        }
    }
}

/// Replaces a closed store by a complete restore, after its last readers are gone.
///
/// # Errors
/// [`OpenError`]; the store is as it was.
pub async fn accept_restore(
    settings: &VacancySettings,
    restored: &Restored,
) -> Result<(), OpenError> {
    const READERS_MAX: Duration = Duration::from_secs(10);
    let since = Instant::now();
    let dir = loop {
        match DataDir::lock_existing(settings.data_dir.clone()) {
            Err(DataDirError::Locked(_)) if since.elapsed() < READERS_MAX => {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            locked => break locked?,
        }
    };
    restored.staged.accept()?;
    drop(dir);
    Ok(())
}

/// Warns when the clock is behind the ledger: the ledger's time never goes back, so it stands still
/// until the clock catches up.
fn warn_if_clock_is_behind(store: &EmbeddedStore) {
    // Readings of a synchronised clock differ by less.
    const BEHIND_MAX_MS: u64 = 1_000;
    let now_ms = SystemClock::default().now_ms();
    let views = store.views();
    let Some(newest) = views.iter().map(|view| &view.event).max_by_key(|event| event.at_ms) else {
        return;
    };
    let behind_ms = newest.at_ms.saturating_sub(now_ms);
    if behind_ms > BEHIND_MAX_MS {
        tracing::warn!(
            behind_ms,
            event = %newest.name,
            "system clock is {:.1} s behind the newest ledger record. Until it catches up, affected \
             events keep that record's time and their holds do not expire; sales continue. Check \
             the clock",
            behind_ms as f64 / 1e3
        );
    }
}
