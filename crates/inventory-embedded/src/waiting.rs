//! The cached waiting lists.

use std::collections::BTreeSet;

use inventory::{
    domain::{EventName, HoldId},
    map::HashMap,
};
use inventory_store::StoreError;

use crate::{
    errors::failed,
    rows::{event_prefix, parse_waiting_key},
    tables::Tables,
};

/// Per event, its waiting list in order: 24 bytes an entry, bounded by `waitlist_max` of each
/// event.
#[derive(Default)]
pub struct WaitingLists(HashMap<EventName, BTreeSet<(u64, HoldId)>>);

impl WaitingLists {
    pub fn read<'a>(
        tables: &Tables,
        events: impl Iterator<Item = &'a EventName>,
    ) -> Result<Self, StoreError> {
        let mut lists = Self::default();
        for event in events {
            for row in tables.waiting.prefix(event_prefix(event)) {
                let (number, id) = parse_waiting_key(&row.key().map_err(failed)?)
                    .ok_or_else(|| StoreError::Damaged("a key of waiting".into()))?;
                lists.insert(event, number, id);
            }
        }
        Ok(lists)
    }

    pub fn insert(&mut self, event: &EventName, number: u64, id: HoldId) {
        self.0.entry(event.clone()).or_default().insert((number, id));
    }

    pub fn remove(&mut self, event: &EventName, number: u64, id: HoldId) {
        if let Some(list) = self.0.get_mut(event) {
            list.remove(&(number, id));
        }
    }

    /// The first entries of `event`, at most `most`.
    pub fn first(&self, event: &EventName, most: usize) -> Vec<HoldId> {
        self.0.get(event).into_iter().flatten().take(most).map(|(_, id)| *id).collect()
    }
}
