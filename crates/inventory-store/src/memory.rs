//! A store in memory, for tests only. Its contents end with the process, and tests can inject
//! faults.

use std::{collections::BTreeMap, sync::Arc};

use draw::Leaf;
use inventory::{
    decide::{DUE_MAX, HoldSlot, KeySlot, ReadSet, WAITING_MAX, WorkingSet},
    domain::{
        CustomerId, Event, EventName, Hold, HoldId, HoldState, IdempotencyKey, LookupKey, Place,
        TimeMs,
    },
    map::HashMap,
};
use parking_lot::{Mutex, MutexGuard};

use crate::{
    error::StoreError,
    store::{
        BoxFuture, Durability, EventView, OwnedStore, Reader, SharedReader, SharedStore, Store,
        StoredRecord,
    },
};

/// A fault of the next commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The write fails and has no effect.
    Lost,
    /// The write fails but takes effect.
    KeptButFailed,
    /// The committer panics, as it does when an invariant is broken.
    Panic,
    /// Another process interfered. The write has no effect, and the batch can be decided again.
    Conflict,
    /// The store becomes unreachable before the write takes effect.
    Unavailable,
    /// The write takes effect, and the store becomes unreachable before it responds.
    KeptButUnknown,
}

#[derive(Default)]
struct State {
    events: BTreeMap<EventName, Event>,
    holds: HashMap<HoldId, Hold>,
    customers: HashMap<(EventName, CustomerId), u64>,
    keys: HashMap<IdempotencyKey, KeySlot>,
    places: HashMap<(EventName, Leaf), Place>,
    ledger: HashMap<EventName, Vec<Vec<u8>>>,
    fault: Option<Fault>,
    refused: Option<CustomerId>,
    unreachable: bool,
}

/// Clones share their contents, so that a test can "restart" on them.
#[derive(Clone, Default)]
pub struct MemoryStore(Arc<Mutex<State>>);

impl MemoryStore {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock()
    }

    /// Makes the next commit fail.
    pub fn fail_next(&self, fault: Fault) {
        self.state().fault = Some(fault);
    }

    /// Refuses the data of every batch that changes what this customer has, as a database with a
    /// rule of its administrator does.
    pub fn refuse(&self, customer: CustomerId) {
        self.state().refused = Some(customer);
    }

    /// Makes the store reachable or unreachable.
    pub fn set_reachable(&self, reachable: bool) {
        self.state().unreachable = !reachable;
    }

    fn reachable(&self) -> Result<MutexGuard<'_, State>, StoreError> {
        let state = self.state();
        if state.unreachable { Err(StoreError::Unavailable("injected".into())) } else { Ok(state) }
    }
}

impl State {
    fn next_expiry_ms(&self, name: &EventName) -> Option<TimeMs> {
        let live =
            self.holds.values().filter(|hold| hold.event == *name && hold.state == HoldState::Held);
        live.map(|hold| hold.expires_at_ms).min()
    }

    fn view(&self, event: &Event) -> EventView {
        EventView { event: event.clone(), next_expiry_ms: self.next_expiry_ms(&event.name) }
    }

    fn places_of<'a>(
        &'a self,
        reads: &'a ReadSet,
    ) -> impl Iterator<Item = ((EventName, Leaf), Place)> + 'a {
        let places = reads.places.iter();
        places.filter_map(|key| Some((key.clone(), self.places.get(key)?.clone())))
    }

    fn slot(hold: &Hold) -> HoldSlot {
        HoldSlot::stored(hold.clone())
    }
}

impl Store for MemoryStore {
    async fn load(&mut self, reads: &ReadSet, now_ms: TimeMs) -> Result<WorkingSet, StoreError> {
        let state = self.reachable()?;
        let live_holds_len =
            state.holds.values().filter(|hold| hold.state == HoldState::Held).count() as u64;
        let mut set = WorkingSet {
            now_ms,
            events_len: state.events.len(),
            live_holds_len,
            ..WorkingSet::default()
        };
        for id in &reads.holds {
            set.holds.extend(state.holds.get(id).map(|hold| (*id, State::slot(hold))));
        }
        let of_holds = set.holds.values().map(|slot| slot.hold.event.clone());
        let names: std::collections::BTreeSet<_> =
            reads.events.iter().cloned().chain(of_holds).collect();
        for event in names.iter().filter_map(|name| state.events.get(name)) {
            let now_ms = event.ledger_time(now_ms);
            let due = state.holds.values().filter(|hold| {
                hold.event == event.name
                    && hold.state == HoldState::Held
                    && hold.expires_at_ms <= now_ms
            });
            for hold in due {
                if set.due.len() == DUE_MAX {
                    set.more_due = true;
                    break;
                }
                set.holds.insert(hold.id, State::slot(hold));
                set.due.push(hold.id);
            }
            if event.waitlist.waiting > 0 {
                let mut waiting: Vec<_> = state
                    .holds
                    .values()
                    .filter(|hold| hold.event == event.name)
                    .filter_map(|hold| Some((hold.waiting.as_ref()?.number, hold)))
                    .collect();
                waiting.sort_by_key(|(number, _)| *number);
                waiting.truncate(WAITING_MAX);
                let ids = waiting.iter().map(|(_, hold)| hold.id).collect();
                set.waiting.insert(event.name.clone(), ids);
                for (_, hold) in waiting {
                    set.holds.entry(hold.id).or_insert_with(|| State::slot(hold));
                }
            }
            set.events.insert(event.name.clone(), event.clone());
        }
        set.customers = state.customers.clone();
        set.keys = reads
            .keys
            .iter()
            .filter_map(|key| Some((key.clone(), state.keys.get(key)?.clone())))
            .collect();
        set.places.extend(state.places_of(reads));
        Ok(set)
    }

    async fn commit(
        &mut self,
        set: WorkingSet,
        _durability: Durability,
    ) -> Result<Vec<EventView>, StoreError> {
        let mut state = self.state();
        let fault = state.fault.take();
        assert_ne!(fault, Some(Fault::Panic), "injected");
        match fault {
            Some(Fault::Lost) => {
                return Err(StoreError::Failed("injected: the write was lost".into()));
            }
            Some(Fault::Conflict) => return Err(StoreError::Conflict("injected".into())),
            Some(Fault::Unavailable) => return Err(StoreError::Unavailable("injected".into())),
            _ => {}
        }
        if set.dirty_customers.iter().any(|(_, customer)| state.refused.as_ref() == Some(customer))
        {
            return Err(StoreError::Refused("injected".into()));
        }
        for (record, body) in set.records {
            state.ledger.entry(record.event.clone()).or_default().push(body);
        }
        for (key, slot) in set.keys {
            let known_later = set.replaying
                && state
                    .keys
                    .get(&key)
                    .is_some_and(|known| known.expires_at_ms > slot.expires_at_ms);
            if !known_later {
                state.keys.insert(key, slot);
            }
        }
        let places = set.places.into_iter().filter(|(place, _)| set.dirty_places.contains(place));
        state.places.extend(places);
        // Only changed customers: another writer may have newer values of the others.
        let customers =
            set.customers.into_iter().filter(|(who, _)| set.dirty_customers.contains(who));
        state.customers.extend(customers);
        state.holds.extend(
            set.holds.into_iter().filter(|(_, slot)| slot.dirty).map(|(id, slot)| (id, slot.hold)),
        );
        state
            .events
            .extend(set.events.into_iter().filter(|(name, _)| set.dirty_events.contains(name)));
        if fault == Some(Fault::KeptButFailed) {
            return Err(StoreError::Failed("injected: the write was kept, its answer lost".into()));
        }
        if fault == Some(Fault::KeptButUnknown) {
            return Err(StoreError::Unknown("injected".into()));
        }
        Ok(set
            .dirty_events
            .iter()
            .filter_map(|name| state.events.get(name))
            .map(|event| state.view(event))
            .collect())
    }

    fn reader(&self) -> Arc<dyn Reader> {
        Arc::new(self.clone())
    }
}

impl SharedStore for MemoryStore {
    async fn load_more(&mut self, set: &mut WorkingSet, reads: &ReadSet) -> Result<(), StoreError> {
        let state = self.reachable()?;
        for id in &reads.holds {
            if let Some(hold) = state.holds.get(id) {
                set.holds.entry(*id).or_insert_with(|| State::slot(hold));
            }
        }
        set.keys.extend(
            reads.keys.iter().filter_map(|key| Some((key.clone(), state.keys.get(key)?.clone()))),
        );
        set.places.extend(state.places_of(reads));
        Ok(())
    }
}

impl OwnedStore for MemoryStore {
    fn views(&self) -> Vec<EventView> {
        let state = self.state();
        state.events.values().map(|event| state.view(event)).collect()
    }

    fn due_events(&self, now_ms: TimeMs) -> (Vec<EventName>, Option<TimeMs>) {
        let state = self.state();
        let times: Vec<_> = state
            .events
            .values()
            .filter_map(|event| Some((event, state.next_expiry_ms(&event.name)?)))
            .collect();
        let due = times.iter().filter(|(event, at_ms)| *at_ms <= event.ledger_time(now_ms));
        (
            due.map(|(event, _)| event.name.clone()).collect(),
            times.iter().map(|(_, at_ms)| *at_ms).min(),
        )
    }
}

/// Behaves as if other processes wrote to it too.
impl SharedReader for MemoryStore {
    fn event<'a>(
        &'a self,
        name: &'a EventName,
    ) -> BoxFuture<'a, Result<Option<EventView>, StoreError>> {
        Box::pin(async move {
            let state = self.reachable()?;
            Ok(state.events.get(name).map(|event| state.view(event)))
        })
    }

    fn events<'a>(
        &'a self,
        after: Option<&'a EventName>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<EventView>, StoreError>> {
        Box::pin(async move {
            let state = self.reachable()?;
            let later =
                state.events.values().filter(|event| after.is_none_or(|after| event.name > *after));
            Ok(later.take(limit).map(|event| state.view(event)).collect())
        })
    }

    fn event_of(&self, hold: HoldId) -> BoxFuture<'_, Result<Option<EventName>, StoreError>> {
        Box::pin(
            async move { Ok(self.reachable()?.holds.get(&hold).map(|hold| hold.event.clone())) },
        )
    }

    fn due_events(&self, limit: usize) -> BoxFuture<'_, Result<Vec<EventName>, StoreError>> {
        Box::pin(async move {
            drop(self.reachable()?);
            // The store has no clock: every live hold may be due, and the writer decides.
            let held = self
                .state()
                .events
                .values()
                .filter(|event| event.live_holds > 0)
                .map(|event| event.name.clone())
                .collect::<Vec<_>>();
            Ok(held.into_iter().take(limit).collect())
        })
    }
}

impl Reader for MemoryStore {
    fn hold(&self, id: HoldId) -> BoxFuture<'_, Result<Option<Hold>, StoreError>> {
        Box::pin(async move { Ok(self.reachable()?.holds.get(&id).cloned()) })
    }

    fn records<'a>(
        &'a self,
        event: &'a EventName,
        after: u64,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<StoredRecord>, StoreError>> {
        Box::pin(async move {
            let state = self.reachable()?;
            let bodies = state.ledger.get(event).into_iter().flatten();
            let records = (1..).zip(bodies).filter(|(seq, _)| *seq > after).take(limit);
            Ok(records.map(|(seq, body)| StoredRecord { seq, body: body.clone() }).collect())
        })
    }

    fn lookup<'a>(
        &'a self,
        key: LookupKey<'a>,
        before: Option<HoldId>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<Hold>, StoreError>> {
        Box::pin(async move {
            let state = self.reachable()?;
            let mut found: Vec<_> = state
                .holds
                .values()
                .filter(|hold| key.finds(hold) && before.is_none_or(|before| hold.id < before))
                .cloned()
                .collect();
            found.sort_unstable_by_key(|hold| std::cmp::Reverse(hold.id));
            found.truncate(limit);
            Ok(found)
        })
    }

    fn place<'a>(
        &'a self,
        event: &'a EventName,
        leaf: &'a Leaf,
    ) -> BoxFuture<'a, Result<Option<Place>, StoreError>> {
        Box::pin(async move { Ok(self.reachable()?.places.get(&(event.clone(), *leaf)).cloned()) })
    }

    fn check(&self) -> Result<(), StoreError> {
        self.reachable().map(drop)
    }
}
