//! The embedded store: fjall, a log-structured store in Rust, fsynced before every answer.
//!
//! One process owns the data directory. Counts of events and the times at which live holds run out are cached in memory;
//! holds, keys, customers and the ledger stay on disk, so memory does not grow with history.

mod commit;
mod data_dir;
mod keys;
mod live;
mod load;
mod reader;
mod rows;
mod tables;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

pub use data_dir::{DataDir, DataDirError, FORMAT, StagedRestore};
use keys::KeyOrder;
use live::LiveHolds;
pub(crate) use rows::parse_ledger_key;
pub(crate) use tables::Tables;

use super::{Durability, EventView, Reader, Store, StoreError};
use crate::decide::{Touch, WorkingSet};
use crate::domain::{Event, EventName, Limits, TimeMs};

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

impl Default for EmbeddedOptions {
    fn default() -> Self {
        Self { cache_bytes: 16 << 20, memtable_bytes: 8 << 20, journal_bytes: 128 << 20, keys_max: Limits::default().keys_max }
    }
}

/// The store in a data directory.
pub struct EmbeddedStore {
    tables: Tables,
    events: BTreeMap<EventName, Event>,
    live: LiveHolds,
    keys: KeyOrder,
    failed: bool,
    /// Keeps the directory locked for as long as the store is open.
    dir: Option<DataDir>,
}

impl EmbeddedStore {
    /// Opens the store in `dir`, creating or migrating it where needed.
    ///
    /// # Errors
    /// [`DataDirError`] when the directory is in use, of a newer format, or unreadable.
    pub fn open(dir: impl Into<PathBuf>, options: &EmbeddedOptions) -> Result<Self, DataDirError> {
        let dir = DataDir::lock(dir.into())?;
        dir.finish_restore()?;
        let found = dir.format()?;
        let tables = Tables::open(&dir.db_path(), options).map_err(DataDirError::store)?;
        if let Some(from) = found.filter(|format| *format < FORMAT) {
            // Everything follows from the ledger, so an older format is brought up to date by reading the ledger again.
            tracing::info!(from, to = FORMAT, "migrating the data directory");
            crate::transfer::rebuild_state(&tables, options)
                .map_err(|error| DataDirError::Migration { from, reason: error.to_string() })?;
        }
        dir.set_format()?;
        let mut store = Self::over(tables, options).map_err(DataDirError::store)?;
        store.dir = Some(dir);
        Ok(store)
    }

    /// The store over tables that nothing else uses.
    pub(crate) fn over(tables: Tables, options: &EmbeddedOptions) -> Result<Self, StoreError> {
        let events: BTreeMap<_, _> = tables.all_events()?.into_iter().map(|event| (event.name.clone(), event)).collect();
        let live = LiveHolds::read(&tables, events.keys())?;
        let keys = KeyOrder::read(&tables, options.keys_max)?;
        Ok(Self { tables, events, live, keys, failed: false, dir: None })
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
    async fn load(&mut self, touch: Touch, now_ms: TimeMs) -> Result<WorkingSet, StoreError> {
        if self.failed {
            return Err(StoreError::Failed("an earlier write failed".into()));
        }
        load::load(self, touch, now_ms)
    }

    async fn commit(&mut self, set: WorkingSet, durability: Durability) -> Result<Vec<EventView>, StoreError> {
        // Whatever goes wrong from here leaves unknown what is on disk: only opening the store again can tell.
        self.failed = true;
        let views = commit::commit(self, set, durability)?;
        self.failed = false;
        Ok(views)
    }

    fn views(&self) -> Vec<EventView> {
        self.events.values().map(|event| self.view(event)).collect()
    }

    fn due_events(&self, now_ms: TimeMs) -> (Vec<EventName>, Option<TimeMs>) {
        let due = self.events.values().filter(|event| self.live.next_of(&event.name).is_some_and(|next| next <= event.ledger_time(now_ms)));
        (due.map(|event| event.name.clone()).collect(), self.live.next_of_all())
    }

    fn reader(&self) -> Arc<dyn Reader> {
        Arc::new(reader::TablesReader(self.tables.clone()))
    }
}
