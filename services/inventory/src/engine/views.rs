//! What readers see: the newest committed counts of every event, without a lock.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::domain::EventName;
use crate::store::EventView;

/// One event's view. The cell stays, its contents change.
pub struct Cell {
    pub view: ArcSwap<EventView>,
    /// Held by the one reader that has an expiry written down.
    pub expiring: tokio::sync::Mutex<()>,
}

pub struct Views(ArcSwap<BTreeMap<EventName, Arc<Cell>>>);

impl Views {
    pub fn new(views: Vec<EventView>) -> Self {
        Self(ArcSwap::from_pointee(views.into_iter().map(cell).collect()))
    }

    pub fn cell(&self, name: &EventName) -> Option<Arc<Cell>> {
        self.0.load().get(name).cloned()
    }

    /// Called by the committer alone.
    pub fn publish(&self, views: Vec<EventView>) {
        let known = self.0.load();
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
            self.0.store(Arc::new(all));
        }
    }

    pub fn names(&self, after: Option<&EventName>, limit: usize) -> (Vec<EventName>, bool) {
        let all = self.0.load();
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let mut names = all.range((from, Bound::Unbounded)).map(|(name, _)| name.clone());
        let page = names.by_ref().take(limit).collect();
        (page, names.next().is_some())
    }

    pub fn all(&self) -> Vec<Arc<EventView>> {
        self.0.load().values().map(|cell| cell.view.load_full()).collect()
    }
}

fn cell(view: EventView) -> (EventName, Arc<Cell>) {
    let name = view.event.name.clone();
    (name, Arc::new(Cell { view: ArcSwap::from_pointee(view), expiring: tokio::sync::Mutex::new(()) }))
}
