//! The contents of an open store: its tables and caches.

use std::collections::BTreeMap;

use inventory::{Event, EventName};
use inventory_store::{EventView, StoreError};

use crate::{
    data_dir::{DataDirError, FORMAT, StoreDir},
    journal_preallocator::JournalPreallocator,
    keys::KeyOrder,
    live::LiveHolds,
    options::EmbeddedOptions,
    tables::Tables,
    watermark::Watermark,
};

/// The tables, the cached counts and indexes, and the files beside them.
pub struct Contents {
    pub tables: Tables,
    pub events: BTreeMap<EventName, Event>,
    pub live: LiveHolds,
    pub keys: KeyOrder,
    /// Ledger records of all events.
    pub records: u64,
    pub watermark: Option<Watermark>,
    pub preallocator: Option<JournalPreallocator>,
    /// The folder with the format, until a record about money has raised it.
    pub dir: Option<StoreDir>,
}

impl Contents {
    /// Reads the caches from tables that nothing else uses.
    pub fn read(tables: Tables, options: &EmbeddedOptions) -> Result<Self, StoreError> {
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
            preallocator: None,
            dir: None,
        })
    }

    /// Refuses a store that has fewer records than were acknowledged.
    pub fn check_watermark(&mut self, db: &StoreDir) -> Result<(), DataDirError> {
        let path = db.watermark();
        let (watermark, expected) = Watermark::open(&path).map_err(DataDirError::io(&path))?;
        if let Some(expected) = expected.filter(|expected| *expected > self.records) {
            return Err(DataDirError::Shortened { expected, found: self.records, watermark: path });
        }
        watermark.set(self.records).map_err(DataDirError::io(&path))?;
        self.watermark = Some(watermark);
        Ok(())
    }

    /// Raises the format before the first record that older versions cannot read.
    pub fn raise_format(&mut self) -> Result<(), StoreError> {
        let Some(dir) = &self.dir else { return Ok(()) };
        let failed = |error: DataDirError| StoreError::Failed(error.to_string().into());
        if dir.format().unwrap_or(0) < FORMAT {
            dir.write_format(FORMAT).map_err(failed)?;
        }
        self.dir = None;
        Ok(())
    }

    pub fn view(&self, event: &Event) -> EventView {
        EventView { event: event.clone(), next_expiry_ms: self.live.next_of(&event.name) }
    }
}
