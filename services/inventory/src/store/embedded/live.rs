//! The cached index of holds that are held: which run out of time, and when.

use std::collections::{BTreeSet, HashMap};

use super::StoreError;
use super::rows::{event_prefix, parse_live_key};
use super::tables::Tables;
use crate::domain::{EventName, HoldId, TimeMs};

/// Per event, its live holds in the order in which they run out: 24 bytes each, bounded by `live_holds_max`.
#[derive(Default)]
pub struct LiveHolds(HashMap<EventName, BTreeSet<(TimeMs, HoldId)>>);

impl LiveHolds {
    pub fn read<'a>(tables: &Tables, events: impl Iterator<Item = &'a EventName>) -> Result<Self, StoreError> {
        let mut live = Self::default();
        for event in events {
            for row in tables.live.prefix(event_prefix(event)) {
                let (at_ms, id) = parse_live_key(&row.key()?).ok_or_else(|| StoreError::Damaged("a key of live".into()))?;
                live.insert(event, at_ms, id);
            }
        }
        Ok(live)
    }

    pub fn insert(&mut self, event: &EventName, at_ms: TimeMs, id: HoldId) {
        self.0.entry(event.clone()).or_default().insert((at_ms, id));
    }

    pub fn remove(&mut self, event: &EventName, at_ms: TimeMs, id: HoldId) {
        if let Some(holds) = self.0.get_mut(event) {
            holds.remove(&(at_ms, id));
        }
    }

    /// The holds of `event` whose time has run out at `now_ms`, oldest first.
    pub fn due(&self, event: &EventName, now_ms: TimeMs) -> impl Iterator<Item = HoldId> {
        self.0.get(event).into_iter().flatten().take_while(move |(at_ms, _)| *at_ms <= now_ms).map(|(_, id)| *id)
    }

    pub fn next_of(&self, event: &EventName) -> Option<TimeMs> {
        self.0.get(event)?.first().map(|(at_ms, _)| *at_ms)
    }

    pub fn next_of_all(&self) -> Option<TimeMs> {
        self.0.values().filter_map(|holds| holds.first().map(|(at_ms, _)| *at_ms)).min()
    }
}
