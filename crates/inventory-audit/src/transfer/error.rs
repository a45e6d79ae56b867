//! Errors of backup, restore and migration.

use std::{io, path::PathBuf};

use inventory::EventName;
use inventory_embedded::DataDirError;
use inventory_store::{ReplayError, StoreError};
use thiserror::Error;

use super::manifest::BACKUP_FORMAT;

/// Records between two progress reports; each report is a chance to cancel.
pub(super) const PROGRESS_EVERY: u64 = 2_000;

/// Why a transfer of ledgers failed.
#[derive(Debug, Error)]
pub enum TransferError {
    /// The target of a backup is not empty.
    #[error("{} is not empty: a backup goes to a new or empty directory", .0.display())]
    NotEmpty(PathBuf),
    /// A file cannot be read or written.
    #[error("{path}: {source}", path = .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The stream that a backup is written to fails.
    #[error("cannot write the backup: {0}")]
    Stream(#[source] io::Error),
    /// The backup has a format that this version does not know.
    #[error("the backup has format {0}, and this version supports formats up to {BACKUP_FORMAT}")]
    Format(u32),
    /// The backup does not match its manifest.
    #[error("the backup is damaged: {0}")]
    Damaged(String),
    /// The transfer was cancelled.
    #[error("interrupted")]
    Cancelled,
    /// The database contains records that are not a prefix of these ledgers.
    #[error(
        "the database has a different ledger for event '{0}'. Use an empty schema, and start no process on it before the migration ends"
    )]
    Foreign(EventName),
    /// A record does not follow from those before it.
    #[error(transparent)]
    Replay(#[from] ReplayError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The data directory cannot be used.
    #[error(transparent)]
    DataDir(#[from] DataDirError),
}

impl TransferError {
    pub(super) fn io(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, source }
    }
}
