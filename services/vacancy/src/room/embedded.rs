//! The stock in a directory of this process.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use inventory_embedded::{DataDir, DataDirError, EmbeddedStore};
use inventory_engine::{Engine, Environment};
use inventory_store::{Clock, OwnedStore, SystemClock};

use super::{Closing, OpenError, default_event};
use crate::{
    control::{Control, Restored},
    settings::VacancySettings,
};

/// The engine, its store, and the control socket.
pub struct EmbeddedRoom {
    pub(super) engine: Engine,
    control: Control,
    data_dir: PathBuf,
}

impl EmbeddedRoom {
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
        warn_of_the_clock(&store);
        let source = store.ledger_source();
        let engine = Engine::start(store, settings.limits.clone(), Environment::system())
            .map_err(OpenError::Committer)?;
        default_event::create(&engine, settings.initial_stock)
            .await?
            .map_err(|error| OpenError::DefaultEvent(error.to_string()))?;
        let control = Control::listen(settings, source);
        Ok(Self { engine, control, data_dir: settings.data_dir.clone() })
    }

    /// Waits until it has to close by itself. When that is for a restored store, nothing is sold
    /// from this one any more.
    pub(super) async fn closing(&self) -> Closing {
        tokio::select! {
            error = self.engine.failed() => Closing::Failed(error),
            restored = self.control.restored() => {
                self.engine.stop().await;
                Closing::Restored(restored)
            }
        }
    }

    /// Ends copies under way, writes what is waiting and closes the store.
    pub(super) async fn close(self) {
        self.control.stop().await;
        self.engine.stop().await;
        tracing::info!(data_dir = %self.data_dir.display(), "the store is closed");
    }
}

/// Locks the data directory. Whoever has it is waited for: a pod that is evicted still has it when
/// its successor starts, and a successor that ended for that would only be started again after a
/// pause that grows.
async fn lock(path: &Path, wait: Duration) -> Result<DataDir, DataDirError> {
    let since = Instant::now();
    let mut told = false;
    loop {
        match DataDir::lock(path.to_owned()) {
            Err(DataDirError::Locked(_)) if since.elapsed() < wait => {
                if !std::mem::replace(&mut told, true) {
                    tracing::info!(data_dir = %path.display(), wait_s = wait.as_secs(), "waiting for another process to leave the data directory");
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            locked => return locked,
        }
    }
}

/// Lets a complete restore take the place of a closed store. Whoever still reads from that one is
/// waited for.
///
/// # Errors
/// [`OpenError`]; the store is as it was.
pub async fn accept(settings: &VacancySettings, restored: &Restored) -> Result<(), OpenError> {
    const READERS_MAX: Duration = Duration::from_secs(10);
    let since = Instant::now();
    let dir = loop {
        match DataDir::lock_existing(settings.data_dir.clone()) {
            Err(DataDirError::Locked(_)) if since.elapsed() < READERS_MAX => {
                tokio::time::sleep(Duration::from_millis(20)).await
            }
            locked => break locked?,
        }
    };
    restored.staged.accept()?;
    drop(dir);
    Ok(())
}

/// A ledger's time never goes back. When it is ahead of the clock it stands still until the clock
/// has caught up.
fn warn_of_the_clock(store: &EmbeddedStore) {
    // Less is what two readings of a clock that is kept in step may differ by.
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
            "this machine's clock is {:.1} s behind the newest record: until it has caught up, the ledger's time stands still in events with \
             such records, and none of their holds runs out; sales go on. Is the clock right?",
            behind_ms as f64 / 1e3
        );
    }
}
