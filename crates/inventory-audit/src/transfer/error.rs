//! How a backup, restore or migration fails.

use std::{io, path::PathBuf};

use inventory::EventName;
use inventory_embedded::DataDirError;
use inventory_store::{ReplayError, StoreError};
use thiserror::Error;

use super::manifest::BACKUP_FORMAT;

/// How many records are moved between two reports of progress, and two chances to cancel.
pub(super) const PROGRESS_EVERY: u64 = 2_000;

/// Why a ledger could not be moved.
#[derive(Debug, Error)]
pub enum TransferError {
    /// The target of a backup has something in it.
    #[error("{} is not empty: a backup goes to a new or empty directory", .0.display())]
    NotEmpty(PathBuf),
    /// A file cannot be read or written.
    #[error("{path}: {source}", path = .path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The backup is of a format that this version does not know.
    #[error("the backup has format {0}, and this version supports formats up to {BACKUP_FORMAT}")]
    Format(u32),
    /// The backup is not what its manifest says.
    #[error("the backup is damaged: {0}")]
    Damaged(String),
    /// It was to end before it was done.
    #[error("interrupted")]
    Cancelled,
    /// The database holds something that is no beginning of these ledgers.
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
