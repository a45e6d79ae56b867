//! Checking ledgers, independently of the rules that made them.
//!
//! [`Auditor`] takes the records of every event in order and keeps its own sums: it shares the
//! format of records with [`inventory::decide`], and none of its code. Whatever yields records in
//! order is a [`Feed`]: a stopped store, a backup, a running service, a database. For a stopped
//! store and for a database, [`verify_data_dir`] and [`verify_database`] also compare every stored
//! row with what follows from the ledger. Memory is bounded: what is known of holds, keys and
//! customers goes to a scratch directory when it is much.

mod audit;
mod balance;
mod database;
mod event;
mod feed;
mod keys;
mod readonly;
mod spill;
mod state;
mod violation;

use std::path::{Path, PathBuf};

pub use audit::{Audited, Auditor};
pub use balance::Counts;
pub use database::{DatabaseFeed, verify_database};
pub use event::EventAudit;
pub use feed::{BackupFeed, Entry, Feed, FeedError, ReaderFeed};
use inventory::domain::Limits;
use inventory_embedded::{DataDirError, EmbeddedOptions};
use inventory_store::StoreError;
pub use readonly::ReadOnlyStore;
use thiserror::Error;
pub use violation::{Broken, Position, Violation};

/// How ledgers are verified.
#[derive(Debug, Clone)]
pub struct VerifyOptions {
    /// How many keys the service keeps: only beyond it may a key have been forgotten before its
    /// time.
    pub keys_max: u64,
    /// Where scratch files go; they are removed at the end.
    pub scratch: PathBuf,
    /// Entries of each of three tables that are kept in memory before they go to scratch files.
    pub memory_entries: usize,
    /// How the copy of a stopped store is opened.
    pub store: EmbeddedOptions,
}

impl Default for VerifyOptions {
    fn default() -> Self {
        Self {
            keys_max: Limits::default().keys_max,
            scratch: std::env::temp_dir(),
            memory_entries: 32_768,
            store: EmbeddedOptions::default(),
        }
    }
}

/// What was verified.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Records.
    pub records: u64,
    /// Events.
    pub events: u64,
    /// Holds and sales.
    pub holds: u64,
    /// Records with a key.
    pub keyed: u64,
    /// Holds that are held at the end.
    pub live_holds: u64,
    /// Tickets sold and not refunded at the end.
    pub sold: u64,
    /// Keys that were used anew before their time was over; possible only where there were more
    /// than are kept.
    pub keys_forgotten_early: u64,
    /// Stored rows that were compared with what follows from the ledger; 0 where only the ledger
    /// can be read.
    pub rows: u64,
}

/// Why something was not verified.
#[derive(Debug, Error)]
pub enum VerifyError {
    /// A rule is broken, and where.
    #[error(transparent)]
    Violation(#[from] Violation),
    /// The records cannot be read.
    #[error(transparent)]
    Feed(#[from] FeedError),
    /// The data directory cannot be used.
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    /// Scratch files cannot be written or read.
    #[error("scratch files: {0}")]
    Scratch(String),
}

/// Audits everything that `feed` yields; `each` sees every record, and `progress` hears of the
/// records so far.
///
/// # Errors
/// [`VerifyError`], at the first violation.
pub async fn audit(
    feed: &mut dyn Feed,
    auditor: &mut Auditor,
    mut each: impl FnMut(&Auditor, &Audited) -> Result<(), VerifyError>,
    mut progress: impl FnMut(u64),
) -> Result<(), VerifyError> {
    loop {
        let entries = feed.next().await?;
        if entries.is_empty() {
            return Ok(());
        }
        for entry in entries {
            let audited = auditor.push(&entry)?;
            each(auditor, &audited)?;
        }
        progress(auditor.records());
    }
}

/// Verifies the store in `dir`, which no process has open, without changing it: the ledgers, and
/// every row that follows from them.
///
/// # Errors
/// [`VerifyError`], at the first violation.
pub async fn verify_data_dir(
    dir: &Path,
    options: &VerifyOptions,
    progress: impl FnMut(u64),
) -> Result<Report, VerifyError> {
    let store = ReadOnlyStore::open(dir, options)?;
    let mut auditor = Auditor::new(options);
    audit(&mut store.feed(), &mut auditor, |_, _| Ok(()), progress).await?;
    let ledgers = auditor.finish()?;
    state::compare(&store, &ledgers, options)
}

/// Verifies the backup in `dir`: its manifest and its ledgers.
///
/// # Errors
/// [`VerifyError`], at the first violation.
pub async fn verify_backup(
    dir: &Path,
    options: &VerifyOptions,
    progress: impl FnMut(u64),
) -> Result<Report, VerifyError> {
    let mut feed = BackupFeed::open(dir)?;
    let mut auditor = Auditor::new(options);
    audit(&mut feed, &mut auditor, |_, _| Ok(()), progress).await?;
    let ledgers = auditor.finish()?;
    feed.check_manifest(ledgers.events())?;
    Ok(ledgers.report().clone())
}

impl From<StoreError> for FeedError {
    fn from(error: StoreError) -> Self {
        Self::Unreadable(error.to_string())
    }
}
