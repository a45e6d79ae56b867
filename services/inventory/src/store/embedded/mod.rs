//! The embedded store: fjall, a log-structured store in Rust, fsynced before every answer.
//!
//! One process owns the data directory. Counts of events and the times at which live holds run out
//! are cached in memory; holds, keys, customers and the ledger stay on disk, so memory does not
//! grow with history.

mod commit;
mod data_dir;
mod keys;
mod live;
mod load;
mod reader;
pub(crate) mod rows;
mod runway;
mod tables;
mod watermark;

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

pub use data_dir::{DataDir, DataDirError, FORMAT, StagedRestore, StoreDir};
pub(crate) use data_dir::{check_format, read_watermark};
use keys::KeyOrder;
use live::LiveHolds;
pub(crate) use rows::parse_ledger_key;
use runway::Runway;
pub(crate) use tables::Tables;
use watermark::Watermark;

use super::{Durability, EventView, OwnedStore, Reader, Store, StoreError};
use crate::{
    decide::{Touch, WorkingSet},
    domain::{Event, EventName, Limits, TimeMs},
};

/// How much the embedded store may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmbeddedOptions {
    /// Cache of blocks read from disk, bytes.
    pub cache_bytes: u64,
    /// Recent writes of each table that are kept in memory before they go to a table file, bytes.
    pub memtable_bytes: u64,
    /// The write-ahead journal on disk, bytes; what start-up may have to read again.
    pub journal_bytes: u64,
    /// How many keys are kept; beyond it the oldest go first.
    pub keys_max: u64,
}

impl EmbeddedOptions {
    /// How many tables there are, each with a memtable.
    pub const TABLES: u64 = Tables::COUNT as u64;
}

impl Default for EmbeddedOptions {
    fn default() -> Self {
        Self {
            cache_bytes: 16 << 20,
            memtable_bytes: 8 << 20,
            journal_bytes: 128 << 20,
            keys_max: Limits::default().keys_max,
        }
    }
}

/// The store in a data directory.
pub struct EmbeddedStore {
    tables: Tables,
    events: BTreeMap<EventName, Event>,
    live: LiveHolds,
    keys: KeyOrder,
    /// Ledger records of all events.
    records: u64,
    watermark: Option<Watermark>,
    runway: Option<Runway>,
    failed: bool,
}

impl EmbeddedStore {
    /// Opens the store in the directory at `path`, creating or migrating it where needed.
    ///
    /// # Errors
    /// [`DataDirError`] when the directory is in use, of a newer format, damaged or unreadable.
    pub fn open(path: impl Into<PathBuf>, options: &EmbeddedOptions) -> Result<Self, DataDirError> {
        Self::open_in(DataDir::lock(path.into())?, options)
    }

    /// Opens the store in `dir`, which stays locked until the store and every handle for reading it
    /// are gone.
    ///
    /// # Errors
    /// As [`EmbeddedStore::open`].
    pub fn open_in(dir: DataDir, options: &EmbeddedOptions) -> Result<Self, DataDirError> {
        dir.finish_restore()?;
        let db = dir.db();
        if !db.exists() {
            let new = dir.new_db()?;
            drop(Tables::open(&new.tables(), options).map_err(DataDirError::store)?);
            new.seal()?;
            dir.install_new()?;
        }
        let found = db.format()?;
        let mut tables = Tables::open(&db.tables(), options).map_err(DataDirError::store)?;
        if found < FORMAT {
            // Everything follows from the ledger, so an older format is brought up to date by
            // reading the ledger again.
            tracing::info!(from = found, to = FORMAT, "migrating the data directory");
            crate::transfer::rebuild_state(&tables, options).map_err(|error| {
                DataDirError::Migration { from: found, reason: error.to_string() }
            })?;
            db.seal()?;
        }
        tables.keep_locked(dir);
        let mut store = Self::over(tables, options).map_err(DataDirError::store)?;
        store.check_watermark(&db)?;
        store.runway = Some(Runway::new(&db.tables()));
        Ok(store)
    }

    /// The store over tables that nothing else uses.
    pub(crate) fn over(tables: Tables, options: &EmbeddedOptions) -> Result<Self, StoreError> {
        let events: BTreeMap<_, _> =
            tables.all_events()?.into_iter().map(|event| (event.name.clone(), event)).collect();
        let live = LiveHolds::read(&tables, events.keys())?;
        let keys = KeyOrder::read(&tables, options.keys_max)?;
        let records = events.values().map(|event| event.seq).sum();
        Ok(Self {
            tables,
            events,
            live,
            keys,
            records,
            watermark: None,
            runway: None,
            failed: false,
        })
    }

    /// Refuses a store that has fewer records than were acknowledged.
    fn check_watermark(&mut self, db: &StoreDir) -> Result<(), DataDirError> {
        let path = db.watermark();
        let (watermark, expected) = Watermark::open(&path).map_err(DataDirError::io(&path))?;
        if let Some(expected) = expected.filter(|expected| *expected > self.records) {
            return Err(DataDirError::Shortened { expected, found: self.records, watermark: path });
        }
        watermark.set(self.records).map_err(DataDirError::io(&path))?;
        self.watermark = Some(watermark);
        Ok(())
    }

    /// A handle for copying the ledger of a running store.
    #[must_use]
    pub fn ledger_source(&self) -> crate::transfer::LedgerSource {
        crate::transfer::LedgerSource::new(self.tables.clone())
    }

    fn view(&self, event: &Event) -> EventView {
        EventView { event: event.clone(), next_expiry_ms: self.live.next_of(&event.name) }
    }
}

impl Store for EmbeddedStore {
    async fn load(&mut self, touch: &Touch, now_ms: TimeMs) -> Result<WorkingSet, StoreError> {
        if self.failed {
            return Err(StoreError::Failed("an earlier write failed".into()));
        }
        load::load(self, touch, now_ms)
    }

    async fn commit(
        &mut self,
        set: WorkingSet,
        durability: Durability,
    ) -> Result<Vec<EventView>, StoreError> {
        // Whatever goes wrong from here leaves unknown what is on disk: only opening the store
        // again can tell.
        self.failed = true;
        let views = commit::commit(self, set, durability)?;
        self.failed = false;
        Ok(views)
    }

    fn reader(&self) -> Arc<dyn Reader> {
        Arc::new(reader::TablesReader(self.tables.clone()))
    }
}

impl OwnedStore for EmbeddedStore {
    fn views(&self) -> Vec<EventView> {
        self.events.values().map(|event| self.view(event)).collect()
    }

    fn due_events(&self, now_ms: TimeMs) -> (Vec<EventName>, Option<TimeMs>) {
        (self.live.due_events(now_ms), self.live.next_of_all())
    }
}
