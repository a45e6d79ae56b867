//! Backup, restore and migration of the stock.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use inventory_audit::transfer::{
    LedgerFrom, Manifest, MigrationProgress, RetryPolicy, TransferError, backup, backup_to,
    migrate, restore,
};
use inventory_embedded::{DataDir, DataDirError, EmbeddedStore, StagedRestore};
use inventory_postgres::{Postgres, TimeSource};
use telemetry::console::print_message;
use vacancy_service::VacancySettings;

use super::error::CommandError;
use crate::{
    audit::options_for,
    control::{ControlRequest, ControlResponse, SendError, send, send_into},
};

/// The number of records and events moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moved {
    /// Records.
    pub records: u64,
    /// Events.
    pub events: usize,
}

impl From<Manifest> for Moved {
    fn from(manifest: Manifest) -> Self {
        Self { records: manifest.records, events: manifest.events.len() }
    }
}

/// Copies the ledgers to `dir`, which is new or empty. A running process is asked to do it, and
/// goes on serving.
///
/// # Errors
/// [`CommandError`]; also when there is no store.
pub async fn run_backup(
    settings: &VacancySettings,
    dir: &Path,
    mut progress: impl FnMut(u64),
) -> Result<Moved, CommandError> {
    if settings.postgres.is_some() {
        return Err(CommandError::Database("use pg_dump or your database's backup"));
    }
    match DataDir::lock_existing(settings.data_dir.clone()) {
        Ok(data_dir) => {
            let store =
                EmbeddedStore::open_in(data_dir, &settings.store).map_err(TransferError::from)?;
            Ok(backup(&store.ledger_source(), dir, uncancelled(progress))?.into())
        }
        Err(DataDirError::Locked(_)) => {
            send_to_running(
                settings,
                &ControlRequest::Backup { dir: absolute(dir)? },
                &mut progress,
            )
            .await
        }
        Err(error) => Err(TransferError::from(error).into()),
    }
}

/// Writes the ledgers to `target` as a backup in one file. A running process is asked for it, and
/// goes on serving.
///
/// # Errors
/// [`CommandError`]; also when there is no store, or `target` cannot be written.
pub async fn run_backup_to(
    settings: &VacancySettings,
    target: &mut impl Write,
    mut progress: impl FnMut(u64),
) -> Result<Moved, CommandError> {
    if settings.postgres.is_some() {
        return Err(CommandError::Database("use pg_dump or your database's backup"));
    }
    let moved = match DataDir::lock_existing(settings.data_dir.clone()) {
        Ok(data_dir) => {
            let store =
                EmbeddedStore::open_in(data_dir, &settings.store).map_err(TransferError::from)?;
            backup_to(&store.ledger_source(), target, uncancelled(progress))?.into()
        }
        Err(DataDirError::Locked(_)) => {
            let request = ControlRequest::StreamBackup;
            let sent = send_into(&settings.data_dir, &request, &mut progress, target).await;
            moved_of(sent.map_err(|error| match error {
                SendError::Control(error) => CommandError::Control(error),
                SendError::Target(error) => TransferError::Stream(error).into(),
            })?)?
        }
        Err(error) => return Err(TransferError::from(error).into()),
    };
    target.flush().map_err(TransferError::Stream)?;
    Ok(moved)
}

/// Replaces the stock with the backup that `input` has in one file. It is spooled into the data
/// directory, where a running process can read it.
///
/// # Errors
/// [`CommandError`]; the stock is as it was then.
pub async fn run_restore_from(
    settings: &VacancySettings,
    input: &mut impl io::Read,
    progress: impl FnMut(u64),
) -> Result<Moved, CommandError> {
    let failed = |error| {
        CommandError::from(TransferError::Io { path: settings.data_dir.clone(), source: error })
    };
    std::fs::create_dir_all(&settings.data_dir).map_err(failed)?;
    // Removed when dropped, on every way out.
    let mut spool =
        tempfile::NamedTempFile::with_prefix_in("restore-", &settings.data_dir).map_err(failed)?;
    io::copy(input, &mut spool).map_err(failed)?;
    run_restore(settings, spool.path(), progress).await
}

/// Replaces the stock with what is in `dir`. A running process is asked to do it: it goes on
/// serving while the copy is checked, then closes and opens again. What the store held before is
/// kept in `db.replaced`.
///
/// # Errors
/// [`CommandError`]; the stock is as it was then.
pub async fn run_restore(
    settings: &VacancySettings,
    dir: &Path,
    mut progress: impl FnMut(u64),
) -> Result<Moved, CommandError> {
    if settings.postgres.is_some() {
        return Err(CommandError::Database(
            "import a backup of DATA_DIR with migrate-store into an empty schema",
        ));
    }
    match DataDir::lock(settings.data_dir.clone()) {
        Ok(data_dir) => {
            let staged = StagedRestore::beside(data_dir.path()).map_err(TransferError::from)?;
            let manifest = restore(dir, &staged, &settings.store, uncancelled(progress))?;
            staged.accept().map_err(TransferError::from)?;
            Ok(manifest.into())
        }
        Err(DataDirError::Locked(_)) => {
            send_to_running(
                settings,
                &ControlRequest::Restore { dir: absolute(dir)? },
                &mut progress,
            )
            .await
        }
        Err(error) => Err(TransferError::from(error).into()),
    }
}

/// Moves the ledgers of the store in `from`, which no process may have open, or of the backup
/// there, to a database: that at `to`, or the one at STORE_URL. Ended anywhere, it goes on where it
/// was when it is started again; a database that is lost on the way is tried again for half a
/// minute.
///
/// # Errors
/// [`CommandError`].
pub async fn run_migrate(
    settings: &VacancySettings,
    from: &Path,
    to: Option<&str>,
    mut progress: impl FnMut(u64),
) -> Result<Moved, CommandError> {
    const REACH_MAX: Duration = Duration::from_secs(15);
    let mut options = match (to, &settings.postgres) {
        (Some(url), known) => options_for(url.parse()?, known.as_ref()),
        (None, Some(known)) => known.clone(),
        (None, None) => return Err(CommandError::NoDatabase),
    };
    // What happened is applied as it was; nothing is decided anew.
    options.time = TimeSource::Caller;
    let source = if from.is_file() || from.join("manifest.json").exists() {
        LedgerFrom::Backup(from.to_owned())
    } else {
        let dir = DataDir::lock_existing(from.to_owned()).map_err(TransferError::from)?;
        let store = EmbeddedStore::open_in(dir, &settings.store).map_err(TransferError::from)?;
        LedgerFrom::Store(store.ledger_source())
    };
    let postgres = Postgres::open(options);
    if !postgres.ready(REACH_MAX).await {
        postgres.check().map_err(CommandError::Unavailable)?;
    }
    let report = |event: MigrationProgress<'_>| match event {
        MigrationProgress::Records(records) => progress(records),
        MigrationProgress::Lost(error, pause) => {
            print_message(&format_args!("{error}; retrying in {pause:?}"));
        }
    };
    let (records, events) = migrate(&source, &postgres, &RetryPolicy::default(), report).await?;
    Ok(Moved { records, events })
}

/// Reports progress and never cancels.
fn uncancelled(mut progress: impl FnMut(u64)) -> impl FnMut(u64) -> bool {
    move |records| {
        progress(records);
        true
    }
}

async fn send_to_running(
    settings: &VacancySettings,
    request: &ControlRequest,
    progress: impl FnMut(u64),
) -> Result<Moved, CommandError> {
    moved_of(send(&settings.data_dir, request, progress).await?)
}

fn moved_of(response: ControlResponse) -> Result<Moved, CommandError> {
    match response {
        ControlResponse::Done { records, events } => Ok(Moved { records, events }),
        ControlResponse::Failed(reason) => Err(CommandError::Refused(reason)),
        ControlResponse::Records(_) | ControlResponse::Chunk(_) => {
            unreachable!("only an end is returned")
        }
    }
}

fn absolute(dir: &Path) -> Result<PathBuf, CommandError> {
    std::path::absolute(dir).map_err(|source| CommandError::Path { path: dir.to_owned(), source })
}
