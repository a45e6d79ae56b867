//! The ledger on the move: backup, restore, and the state rebuilt from it.
//!
//! Everything a store holds follows from its ledgers. So a backup is the ledgers, and restoring is
//! applying them again, each record checked: sequence, hash chain, balance.

mod backup;
mod migrate;
mod replay;
mod restore;

use std::{io, path::PathBuf};

pub use backup::{LedgerSource, backup};
pub use migrate::{LedgerFrom, Moving, Patience, migrate};
pub use replay::{ReplayError, Replayer};
pub(crate) use restore::rebuild_state;
pub use restore::restore;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{
    domain::EventName,
    ledger::Hash,
    store::{DataDirError, StoreError},
};

/// The format of backups that this version writes.
pub const BACKUP_FORMAT: u32 = 1;

/// How often progress is told and an end can be asked for, records.
const PROGRESS_EVERY: u64 = 2_000;

/// What a backup holds: `manifest.json` beside `ledger.jsonl`, a record body per line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The format of the backup.
    pub format: u32,
    /// How many records it has.
    pub records: u64,
    /// The SHA-256 of `ledger.jsonl`.
    pub sha256: Hash,
    /// Every event with its newest record.
    pub events: Vec<EventHead>,
}

/// Where an event's ledger ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventHead {
    /// The event.
    pub event: EventName,
    /// The `seq` of its newest record.
    pub seq: u64,
    /// The hash of that record.
    pub hash: Hash,
}

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
    #[error("the backup has format {0}, and this version knows only up to {BACKUP_FORMAT}")]
    Format(u32),
    /// The backup is not what its manifest says.
    #[error("the backup is damaged: {0}")]
    Damaged(String),
    /// It was to end before it was done.
    #[error("it was ended before it was done")]
    Cancelled,
    /// The database holds something that is no beginning of these ledgers.
    #[error(
        "the database has another ledger of event '{0}': take an empty schema, and let no process use it before this is done"
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
    pub(crate) fn io(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, source }
    }
}
