//! The events as vacancy last said them, for readers: a crowd of them costs vacancy nothing.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound,
    sync::Arc,
    time::Duration,
};

use arc_swap::ArcSwap;
use inventory::EventName;
use parking_lot::Mutex;
use public_api::EventReading;
use tokio::{sync::watch, time::Instant};
use vacancy_api::EventFrame;

/// The time after a line of the subscription in which readings count as current. vacancy sends one
/// every second.
const LIVE: Duration = Duration::from_secs(3);
/// The same after a subscription that ended: a new one usually takes less.
const GRACE: Duration = Duration::from_millis(250);

/// The last known events.
pub struct Readings {
    cells: ArcSwap<BTreeMap<EventName, Arc<Cell>>>,
    contact: Mutex<Contact>,
    changes: watch::Sender<u64>,
}

/// The state of the subscription.
#[derive(Clone, Copy)]
struct Contact {
    /// When vacancy last confirmed the readings.
    confirmed_at: Option<Instant>,
    live_until: Option<Instant>,
    /// Whether all events are known since the last subscription began.
    is_complete: bool,
}

/// One event.
pub struct Cell {
    cached: ArcSwap<Cached>,
    /// Held by the one reader that asks vacancy.
    pub asking: tokio::sync::Mutex<()>,
}

struct Cached {
    frame: Arc<EventFrame>,
    learned_at: Instant,
    /// From then on a hold has expired, and the counts are out of date.
    expires_at: Option<Instant>,
}

impl Cached {
    fn new(frame: EventFrame) -> Self {
        let learned_at = Instant::now();
        let expires_at = frame
            .expires_in_ms
            .and_then(|expires_in_ms| learned_at.checked_add(Duration::from_millis(expires_in_ms)));
        Self { frame: Arc::new(frame), learned_at, expires_at }
    }
}

impl Cell {
    /// The event, if it includes record `at_least` and no hold has expired since.
    pub fn current(&self, at_least: Option<u64>) -> Option<Arc<EventFrame>> {
        let cached = self.cached.load();
        let is_due = cached.expires_at.is_some_and(|expires_at| expires_at <= Instant::now());
        let is_behind = at_least.is_some_and(|seq| seq > cached.frame.event.seq);
        (!is_due && !is_behind).then(|| cached.frame.clone())
    }

    /// The age of the counts, if vacancy said that its store was unavailable.
    pub fn stale(&self) -> Option<Duration> {
        let cached = self.cached.load();
        cached.frame.event.stale.then(|| cached.learned_at.elapsed())
    }

    /// The event as it was last known.
    pub fn last(&self) -> Arc<EventFrame> {
        self.cached.load().frame.clone()
    }
}

impl Readings {
    pub fn new() -> Arc<Self> {
        let contact = Contact { confirmed_at: None, live_until: None, is_complete: false };
        Arc::new(Self {
            cells: ArcSwap::default(),
            contact: Mutex::new(contact),
            changes: watch::Sender::default(),
        })
    }

    pub fn cell(&self, event: &EventName) -> Option<Arc<Cell>> {
        self.cells.load().get(event).cloned()
    }

    /// Applies `of` to an event that is current.
    pub fn look<T>(&self, event: &EventName, of: impl FnOnce(&EventFrame) -> T) -> Option<T> {
        if !self.is_live() {
            return None;
        }
        let frame = self.cells.load().get(event)?.current(None)?;
        (!frame.event.stale).then(|| of(&frame))
    }

    /// Events by name after `after`, at most `limit`, and whether there are more. `None` until
    /// vacancy has said all of them once.
    pub fn page(
        &self,
        after: Option<&EventName>,
        limit: usize,
    ) -> Option<(Vec<EventReading>, bool)> {
        if !self.contact.lock().is_complete {
            return None;
        }
        let stale = self.stale();
        let reading = |cell: &Cell| EventReading {
            frame: cell.last(),
            stale: stale.or_else(|| cell.stale()),
        };
        let cells = self.cells.load();
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let mut range = cells.range::<EventName, _>((from, Bound::Unbounded));
        let page = range.by_ref().take(limit);
        let page = page.map(|(_, cell)| reading(cell)).collect();
        Some((page, range.next().is_some()))
    }

    /// Whether vacancy has confirmed the readings a moment ago.
    pub fn is_live(&self) -> bool {
        self.contact.lock().live_until.is_some_and(|until| Instant::now() < until)
    }

    /// The age of the readings, if they are not live.
    pub fn stale(&self) -> Option<Duration> {
        let contact = *self.contact.lock();
        let is_live = contact.live_until.is_some_and(|until| Instant::now() < until);
        let age = || contact.confirmed_at.map_or(Duration::ZERO, |at| at.elapsed());
        (!is_live).then(age)
    }

    /// A receiver that changes with every event that changes.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Takes over events that vacancy has said. An older state of an event does not replace a newer
    /// one.
    pub fn learn(&self, frames: Vec<EventFrame>) {
        self.take_over(frames, None);
    }

    /// Takes over events of a subscription that began at `since`. What was learned before may be of
    /// a ledger that has been replaced by a shorter one.
    pub fn learn_since(&self, frames: Vec<EventFrame>, since: Instant) {
        self.take_over(frames, Some(since));
    }

    fn take_over(&self, frames: Vec<EventFrame>, since: Option<Instant>) {
        let (mut new, mut changed) = (Vec::new(), false);
        let known = self.cells.load();
        for frame in frames {
            let Ok(name) = EventName::new(&frame.event.event) else { continue };
            let Some(cell) = known.get(&name) else {
                new.push((name, frame));
                continue;
            };
            let cached = Arc::new(Cached::new(frame));
            cell.cached.rcu(|old| {
                let is_older = cached.frame.event.seq < old.frame.event.seq
                    && since.is_none_or(|since| old.learned_at >= since);
                if is_older { old.clone() } else { cached.clone() }
            });
            changed = true;
        }
        if !new.is_empty() {
            self.add(&new);
            changed = true;
        }
        if changed {
            self.changes.send_modify(|count| *count = count.wrapping_add(1));
        }
    }

    fn add(&self, new: &[(EventName, EventFrame)]) {
        self.cells.rcu(|known| {
            let mut all = BTreeMap::clone(known);
            for (name, frame) in new {
                all.entry(name.clone()).or_insert_with(|| {
                    let cached = ArcSwap::from_pointee(Cached::new(frame.clone()));
                    Arc::new(Cell { cached, asking: tokio::sync::Mutex::new(()) })
                });
            }
            all
        });
    }

    /// Records a line of the subscription.
    pub fn confirm(&self) {
        let mut contact = self.contact.lock();
        if contact.is_complete {
            let now = Instant::now();
            contact.confirmed_at = Some(now);
            contact.live_until = Some(now + LIVE);
        }
    }

    /// Records that the subscription that began at `since` has said all events, which are `names`:
    /// others are gone.
    pub fn complete(&self, names: &BTreeSet<EventName>, since: Instant) {
        self.cells.rcu(|known| {
            let is_there = |name: &EventName, cell: &Arc<Cell>| {
                names.contains(name) || cell.cached.load().learned_at >= since
            };
            let kept = known.iter().filter(|(name, cell)| is_there(name, cell));
            kept.map(|(name, cell)| (name.clone(), cell.clone())).collect::<BTreeMap<_, _>>()
        });
        self.contact.lock().is_complete = true;
        self.confirm();
    }

    /// Records that the subscription has ended.
    pub fn lost(&self) {
        let mut contact = self.contact.lock();
        let grace = Instant::now() + GRACE;
        contact.live_until = contact.live_until.map(|until| until.min(grace));
        drop(contact);
        self.changes.send_modify(|count| *count = count.wrapping_add(1));
    }
}
