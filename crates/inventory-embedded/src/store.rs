//! The store over its contents: one batch at a time, and none after a failed write.

use std::sync::Arc;

use inventory::{
    EventName, TimeMs,
    decide::{ReadSet, WorkingSet},
};
use inventory_store::{Durability, EventView, OwnedStore, Reader, Store, StoreError};

use crate::{
    commit, contents::Contents, ledger_source::LedgerSource, load, lookup_builder::LookupBuilder,
    options::EmbeddedOptions, presence::Presence, reader, tables::Tables,
};

/// The store in a data directory.
pub struct EmbeddedStore {
    /// Ends before the tables are closed.
    pub(crate) lookup_builder: Option<LookupBuilder>,
    pub(crate) contents: Contents,
    /// None for a store that is not in its place yet.
    pub(crate) presence: Option<Arc<Presence>>,
    failed: bool,
}

impl EmbeddedStore {
    /// The store over tables that nothing else uses.
    pub(crate) fn over(tables: Tables, options: &EmbeddedOptions) -> Result<Self, StoreError> {
        Ok(Self {
            lookup_builder: None,
            contents: Contents::read(tables, options)?,
            presence: None,
            failed: false,
        })
    }

    /// A handle for copying the ledger of a running store.
    #[must_use]
    pub fn ledger_source(&self) -> LedgerSource {
        LedgerSource::new(self.contents.tables.clone())
    }
}

impl Drop for EmbeddedStore {
    fn drop(&mut self) {
        if let Some(presence) = &self.presence {
            presence.close();
        }
    }
}

impl Store for EmbeddedStore {
    async fn load(&mut self, reads: &ReadSet, now_ms: TimeMs) -> Result<WorkingSet, StoreError> {
        if self.failed {
            return Err(StoreError::Failed("an earlier write failed".into()));
        }
        if let Some(presence) = &self.presence {
            presence.check()?;
        }
        load::load(&self.contents, reads, now_ms)
    }

    async fn commit(
        &mut self,
        set: WorkingSet,
        durability: Durability,
    ) -> Result<Vec<EventView>, StoreError> {
        let writes = !set.records.is_empty();
        // A failure from here on leaves the state on disk unknown until the store is opened again.
        self.failed = true;
        let views = commit::commit(&mut self.contents, set, durability)?;
        self.failed = false;
        match &self.presence {
            // Synced, but perhaps into files that were deleted meanwhile.
            Some(presence) if writes && !presence.has_kept_commit() => {
                Err(StoreError::Unknown("the data directory was deleted during the write".into()))
            }
            _ => Ok(views),
        }
    }

    fn reader(&self) -> Arc<dyn Reader> {
        Arc::new(reader::TablesReader {
            tables: self.contents.tables.clone(),
            presence: self.presence.clone(),
            lookup: self.contents.lookup.clone(),
        })
    }
}

impl OwnedStore for EmbeddedStore {
    fn views(&self) -> Vec<EventView> {
        self.contents.events.values().map(|event| self.contents.view(event)).collect()
    }

    fn due_events(&self, now_ms: TimeMs) -> (Vec<EventName>, Option<TimeMs>) {
        (self.contents.live.due_events(now_ms), self.contents.live.next_of_all())
    }
}
