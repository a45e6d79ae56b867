//! The state that the writers, the queue and the readers of a shared store have in common.

use std::{collections::HashMap, sync::Arc, time::Duration};

use inventory::domain::{CommandKind, EventName, Outcome};
use inventory_store::{EventView, SharedReader, StoreError};
use parking_lot::Mutex;
use tokio::time::Instant;

use super::{
    keyed_queue::{EventKey, KeyedQueue},
    known::KnownHolds,
};
use crate::{
    parts::Parts,
    request::EngineError,
    stats::{Stats, count},
    views::{Cell, ReadTimes, Views},
};

/// The most names of missing events that are cached, so that repeated lookups are cheap.
const MISSING_MAX: usize = 1_024;

/// How old an answer from the cache may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    /// As old as the cache allows.
    Cached,
    /// Not older than the request: the store is read again.
    Now,
}

pub struct Shared {
    pub queue: KeyedQueue,
    pub reader: Arc<dyn SharedReader>,
    views: Arc<Views>,
    stats: Arc<Stats>,
    holds: KnownHolds,
    /// Names of missing events, with the time of the lookup.
    missing: Mutex<HashMap<EventName, u64>>,
    cache_ttl: Duration,
    started: Instant,
}

impl Shared {
    pub fn new(
        reader: Arc<dyn SharedReader>,
        writers: usize,
        cache_ttl: Duration,
        parts: &Parts,
    ) -> Self {
        Self {
            queue: KeyedQueue::new(parts.limits.queue_max, writers),
            reader,
            views: parts.views.clone(),
            stats: parts.stats.clone(),
            holds: KnownHolds::default(),
            missing: Mutex::default(),
            cache_ttl,
            started: Instant::now(),
        }
    }

    /// A monotonic clock, from 1 on: 0 is before everything.
    pub fn now_us(&self) -> u64 {
        1 + u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX - 1)
    }

    /// The event whose queue `kind` belongs to.
    pub async fn event_key(&self, kind: &CommandKind) -> Result<EventKey, EngineError> {
        if let Some(event) = kind.event() {
            return Ok(Some(event.clone()));
        }
        let Some(id) = kind.hold() else { return Ok(None) };
        if let Some(event) = self.holds.get(id) {
            return Ok(Some(event));
        }
        self.reader.check()?;
        let event = self.reader.event_of(id).await?;
        if let Some(event) = &event {
            self.holds.insert(id, event.clone());
        }
        Ok(event)
    }

    /// Caches the event of a new hold: its buyer will confirm or release it.
    pub fn remember(&self, event_key: EventKey, outcome: &Outcome) {
        if let (Some(event), Outcome::Held { id, .. }) = (event_key, outcome) {
            self.holds.insert(*id, event);
        }
    }

    /// The cell of an event, not older than `freshness` allows.
    ///
    /// `Ok(None)`: the event does not exist. `Err` with a cell: the last known view, because the
    /// store is unreachable.
    pub async fn read(
        &self,
        name: &EventName,
        freshness: Freshness,
    ) -> Result<Option<Arc<Cell>>, (Option<Arc<Cell>>, StoreError)> {
        let cache_ttl = match freshness {
            Freshness::Cached => self.cache_ttl,
            Freshness::Now => Duration::ZERO,
        };
        let oldest_us =
            self.now_us().saturating_sub(u64::try_from(cache_ttl.as_micros()).unwrap_or(u64::MAX));
        let known = self.views.cell(name);
        let hit = known.as_ref().is_some_and(|cell| cell.as_of_us() >= oldest_us);
        count(if hit { &self.stats.cache_hits } else { &self.stats.cache_misses }, 1);
        let Some(cell) = known else {
            return self.discover(name, oldest_us).await.map_err(|error| (None, error));
        };
        if hit {
            return Ok(Some(cell));
        }
        match self.refresh(&cell, oldest_us).await {
            Ok(()) => Ok(Some(cell)),
            Err(error) => Err((Some(cell), error)),
        }
    }

    /// The greatest age of the cell's view.
    pub fn age(&self, cell: &Cell) -> Duration {
        Duration::from_micros(self.now_us().saturating_sub(cell.as_of_us()))
    }

    /// Reads the event again: one reader does, the others wait for it.
    pub async fn refresh(&self, cell: &Cell, oldest_us: u64) -> Result<(), StoreError> {
        let _turn = cell.refreshing.lock().await;
        if cell.as_of_us() >= oldest_us {
            return Ok(());
        }
        self.reader.check()?;
        let asked_us = self.now_us();
        let name = cell.view.load().event.name.clone();
        let view = self.reader.event(&name).await?;
        self.learn(view.into_iter().collect(), asked_us);
        Ok(())
    }

    /// Like [`Shared::refresh`], at any age.
    pub async fn refresh_now(&self, cell: &Cell) -> Result<(), StoreError> {
        self.refresh(cell, self.now_us()).await
    }

    async fn discover(
        &self,
        name: &EventName,
        oldest_us: u64,
    ) -> Result<Option<Arc<Cell>>, StoreError> {
        let asked_us = self.now_us();
        let missed_us = self.missing.lock().get(name).copied();
        if missed_us.is_some_and(|missed_us| missed_us >= oldest_us) {
            return Ok(None);
        }
        self.reader.check()?;
        let Some(view) = self.reader.event(name).await? else {
            let mut missing = self.missing.lock();
            if missing.len() >= MISSING_MAX {
                missing.clear();
            }
            missing.insert(name.clone(), asked_us);
            return Ok(None);
        };
        self.learn(vec![view], asked_us);
        Ok(self.views.cell(name))
    }

    /// The names of a page of events, read from the store.
    pub async fn page(
        &self,
        after: Option<&EventName>,
        limit: usize,
    ) -> Result<(Vec<EventName>, bool), StoreError> {
        self.reader.check()?;
        let asked_us = self.now_us();
        let mut views = self.reader.events(after, limit + 1).await?;
        let more = views.len() > limit;
        views.truncate(limit);
        let names = views.iter().map(|view| view.event.name.clone()).collect();
        self.learn(views, asked_us);
        Ok((names, more))
    }

    fn learn(&self, views: Vec<EventView>, asked_us: u64) {
        self.views.publish_read(views, ReadTimes { asked_us, answered_us: self.now_us() });
    }
}
