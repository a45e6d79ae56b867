//! Views for readers: the newest committed counts of every event, without a lock.

use std::{
    collections::BTreeMap,
    ops::Bound,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use arc_swap::ArcSwap;
use inventory::domain::EventName;
use inventory_store::EventView;
use parking_lot::Mutex;
use tokio::sync::watch;

/// One event's view. The cell stays, and its contents change.
pub struct Cell {
    pub view: ArcSwap<EventView>,
    /// Held by the one reader that triggers an expiry.
    pub expiring: tokio::sync::Mutex<()>,
    /// Held by the one reader that reads a shared store again.
    pub refreshing: tokio::sync::Mutex<()>,
    as_of_us: AtomicU64,
    published_us: AtomicU64,
}

impl Cell {
    /// The time from which on the view may be out of date, by the publisher's clock.
    pub fn as_of_us(&self) -> u64 {
        self.as_of_us.load(Ordering::Acquire)
    }
}

/// The times of a read of a shared store, in microseconds of one monotonic clock.
#[derive(Debug, Clone, Copy)]
pub struct ReadTimes {
    /// Before the request.
    pub asked_us: u64,
    /// After the response.
    pub answered_us: u64,
}

pub struct Views {
    cells: ArcSwap<BTreeMap<EventName, Arc<Cell>>>,
    /// Held while publishing, where there are several publishers.
    publishing: Mutex<()>,
    /// Counts the publications, for those who wait for one.
    published: watch::Sender<u64>,
}

impl Views {
    pub fn new(views: Vec<EventView>) -> Self {
        Self {
            cells: ArcSwap::from_pointee(views.into_iter().map(cell).collect()),
            publishing: Mutex::new(()),
            published: watch::Sender::default(),
        }
    }

    /// A receiver that changes with each publication.
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.published.subscribe()
    }

    fn announce(&self) {
        self.published.send_modify(|count| *count = count.wrapping_add(1));
    }

    pub fn cell(&self, name: &EventName) -> Option<Arc<Cell>> {
        self.cells.load().get(name).cloned()
    }

    /// Applies `of` to an event's cell.
    pub fn look<T>(&self, name: &EventName, of: impl FnOnce(&Cell) -> T) -> Option<T> {
        self.cells.load().get(name).map(|cell| of(cell))
    }

    /// Called by the only committer of an owned store.
    pub fn publish(&self, views: Vec<EventView>) {
        let known = self.cells.load();
        let mut new = Vec::new();
        for view in views {
            match known.get(&view.event.name) {
                Some(cell) => cell.view.store(Arc::new(view)),
                None => new.push(view),
            }
        }
        if !new.is_empty() {
            let mut all = BTreeMap::clone(&known);
            all.extend(new.into_iter().map(cell));
            self.cells.store(Arc::new(all));
        }
        self.announce();
    }

    /// Publishes views read from a shared store. An older view does not replace a newer one, unless
    /// the read began after the newer one was published: then the store itself lost records, and
    /// its present state counts.
    pub fn publish_read(&self, views: Vec<EventView>, times: ReadTimes) {
        let _one = self.publishing.lock();
        let unknown = views.iter().any(|view| !self.cells.load().contains_key(&view.event.name));
        if unknown {
            let mut all = BTreeMap::clone(&self.cells.load());
            for view in &views {
                all.entry(view.event.name.clone()).or_insert_with(|| cell(view.clone()).1);
            }
            self.cells.store(Arc::new(all));
        }
        let known = self.cells.load();
        let mut changed = unknown;
        for view in views {
            let Some(cell) = known.get(&view.event.name) else { continue };
            let seq = cell.view.load().event.seq;
            if view.event.seq < seq && times.asked_us <= cell.published_us.load(Ordering::Acquire) {
                continue;
            }
            if view.event.seq < seq {
                tracing::error!(event = %view.event.name, was = seq, is = view.event.seq, "ledger is shorter than before: records were lost");
            }
            changed |= view.event.seq != seq;
            cell.view.store(Arc::new(view));
            cell.as_of_us.fetch_max(times.asked_us, Ordering::AcqRel);
            cell.published_us.fetch_max(times.answered_us, Ordering::AcqRel);
        }
        if changed {
            self.announce();
        }
    }

    pub fn names(&self, after: Option<&EventName>, limit: usize) -> (Vec<EventName>, bool) {
        let all = self.cells.load();
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let mut names = all.range((from, Bound::Unbounded)).map(|(name, _)| name.clone());
        let page = names.by_ref().take(limit).collect();
        (page, names.next().is_some())
    }

    pub fn is_empty(&self) -> bool {
        self.cells.load().is_empty()
    }

    pub fn all(&self) -> Vec<Arc<EventView>> {
        self.cells.load().values().map(|cell| cell.view.load_full()).collect()
    }
}

fn cell(view: EventView) -> (EventName, Arc<Cell>) {
    let name = view.event.name.clone();
    let cell = Cell {
        view: ArcSwap::from_pointee(view),
        expiring: tokio::sync::Mutex::new(()),
        refreshing: tokio::sync::Mutex::new(()),
        as_of_us: AtomicU64::new(0),
        published_us: AtomicU64::new(0),
    };
    (name, Arc::new(cell))
}
