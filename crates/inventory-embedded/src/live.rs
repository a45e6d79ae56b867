//! The cached index of live holds, by expiry time.

use std::collections::BTreeSet;

use inventory::{
    domain::{EventName, HoldId, TimeMs},
    map::HashMap,
};
use inventory_store::StoreError;

use crate::{
    errors::failed,
    rows::{event_prefix, parse_live_key},
    tables::Tables,
};

/// The most events whose expiries are written together.
const DUE_EVENTS_MAX: usize = 64;

/// Per event, its live holds in the order of expiry: 24 bytes each, bounded by `live_holds_max`.
#[derive(Default)]
pub struct LiveHolds {
    of_event: HashMap<EventName, BTreeSet<(TimeMs, HoldId)>>,
    /// Every event with live holds, with its first expiry.
    next: BTreeSet<(TimeMs, EventName)>,
    len: u64,
}

impl LiveHolds {
    pub fn read<'a>(
        tables: &Tables,
        events: impl Iterator<Item = &'a EventName>,
    ) -> Result<Self, StoreError> {
        let mut live = Self::default();
        for event in events {
            for row in tables.live.prefix(event_prefix(event)) {
                let (at_ms, id) = parse_live_key(&row.key().map_err(failed)?)
                    .ok_or_else(|| StoreError::Damaged("a key of live".into()))?;
                live.insert(event, at_ms, id);
            }
        }
        Ok(live)
    }

    pub fn insert(&mut self, event: &EventName, at_ms: TimeMs, id: HoldId) {
        self.change(event, |holds| holds.insert((at_ms, id)));
    }

    pub fn remove(&mut self, event: &EventName, at_ms: TimeMs, id: HoldId) {
        self.change(event, |holds| holds.remove(&(at_ms, id)));
    }

    fn change(
        &mut self,
        event: &EventName,
        change: impl FnOnce(&mut BTreeSet<(TimeMs, HoldId)>) -> bool,
    ) {
        let holds = self.of_event.entry(event.clone()).or_default();
        let first = |holds: &BTreeSet<(TimeMs, HoldId)>| holds.first().map(|(at_ms, _)| *at_ms);
        let (before, len) = (first(holds), holds.len() as u64);
        change(holds);
        let after = first(holds);
        self.len = self.len - len + holds.len() as u64;
        if before != after {
            before.map(|at_ms| self.next.remove(&(at_ms, event.clone())));
            after.map(|at_ms| self.next.insert((at_ms, event.clone())));
        }
    }

    /// The number of live holds of all events.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// The holds of `event` that have expired at `now_ms`, oldest first.
    pub fn due(&self, event: &EventName, now_ms: TimeMs) -> impl Iterator<Item = HoldId> {
        self.of_event
            .get(event)
            .into_iter()
            .flatten()
            .take_while(move |(at_ms, _)| *at_ms <= now_ms)
            .map(|(_, id)| *id)
    }

    pub fn next_of(&self, event: &EventName) -> Option<TimeMs> {
        self.of_event.get(event)?.first().map(|(at_ms, _)| *at_ms)
    }

    pub fn next_of_all(&self) -> Option<TimeMs> {
        self.next.first().map(|(at_ms, _)| *at_ms)
    }

    /// Events with an expired hold, the longest due first, up to a bound.
    pub fn due_events(&self, now_ms: TimeMs) -> Vec<EventName> {
        let due = self.next.iter().take_while(|(at_ms, _)| *at_ms <= now_ms);
        due.take(DUE_EVENTS_MAX).map(|(_, event)| event.clone()).collect()
    }
}
