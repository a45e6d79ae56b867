//! The contents of an open store: its tables and caches.

use std::{collections::BTreeMap, sync::Arc};

use inventory::{Event, EventName};
use inventory_store::{EventView, StoreError};
use parking_lot::Mutex;

use crate::{
    data_dir::{DataDirError, StoreDir},
    journal::Journal,
    keys::KeyOrder,
    live::LiveHolds,
    lookup::LookupIndex,
    options::EmbeddedOptions,
    tables::Tables,
    waiting::WaitingLists,
    watermark::Watermark,
};

/// The tables, the cached counts and indexes, and the files beside them.
pub struct Contents {
    pub tables: Tables,
    pub events: BTreeMap<EventName, Event>,
    pub live: LiveHolds,
    pub waiting: WaitingLists,
    pub keys: KeyOrder,
    pub lookup: Arc<LookupIndex>,
    pub journal: Arc<Mutex<Journal>>,
    pub watermark: Option<Watermark>,
    /// The folder with the format, and the format.
    pub dir: Option<(StoreDir, u32)>,
}

impl Contents {
    /// Reads the caches from tables that nothing else uses.
    pub fn read(tables: Tables, options: &EmbeddedOptions) -> Result<Self, StoreError> {
        let events: BTreeMap<_, _> =
            tables.all_events()?.into_iter().map(|event| (event.name.clone(), event)).collect();
        let live = LiveHolds::read(&tables, events.keys())?;
        let waiting = WaitingLists::read(&tables, events.keys())?;
        let keys = KeyOrder::read(&tables, options.keys_max)?;
        let records = events.values().map(|event| event.seq).sum();
        let lookup = Arc::new(LookupIndex::read(&tables, records)?);
        let journal = Arc::new(Mutex::new(Journal { records, preallocator: None }));
        Ok(Self {
            tables,
            events,
            live,
            waiting,
            keys,
            lookup,
            journal,
            watermark: None,
            dir: None,
        })
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
    pub fn raise_format(&mut self, format: u32) -> Result<(), StoreError> {
        let Some((dir, known)) = self.dir.as_mut().filter(|(_, known)| *known < format) else {
            return Ok(());
        };
        dir.write_format(format)
            .map_err(|error: DataDirError| StoreError::Failed(error.to_string().into()))?;
        *known = format;
        Ok(())
    }

    pub fn view(&self, event: &Event) -> EventView {
        EventView { event: event.clone(), next_expiry_ms: self.live.next_of(&event.name) }
    }
}
