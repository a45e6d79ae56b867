//! The contents of an open store: its tables and caches.

use std::{collections::BTreeMap, sync::Arc};

use inventory::{Event, EventName};
use inventory_store::{EventView, StoreError};
use parking_lot::Mutex;

use crate::{
    data_dir::{DataDirError, FORMAT, StoreDir},
    journal::Journal,
    keys::KeyOrder,
    live::LiveHolds,
    lookup::LookupIndex,
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
    pub lookup: Arc<LookupIndex>,
    pub journal: Arc<Mutex<Journal>>,
    pub watermark: Option<Watermark>,
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
        let lookup = Arc::new(LookupIndex::read(&tables, records)?);
        let journal = Arc::new(Mutex::new(Journal { records, preallocator: None }));
        Ok(Self { tables, events, live, keys, lookup, journal, watermark: None, dir: None })
    }

    /// Refuses a store that has fewer records than were acknowledged.
    pub fn check_watermark(&mut self, db: &StoreDir) -> Result<(), DataDirError> {
        let path = db.watermark();
        let (watermark, expected) = Watermark::open(&path).map_err(DataDirError::io(&path))?;
        let found = self.journal.lock().records;
        if let Some(expected) = expected.filter(|expected| *expected > found) {
            return Err(DataDirError::Shortened { expected, found, watermark: path });
        }
        watermark.set(found).map_err(DataDirError::io(&path))?;
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
