//! What a subscriber to all events has to be told.

use std::{collections::HashMap, time::Duration};

use inventory::EventName;
use inventory_engine::{Engine, EventSnapshot};
use tokio::{
    sync::watch,
    time::{Instant, sleep_until, timeout_at},
};
use vacancy_api::{EventFrame, StreamLine};

/// The shortest time between two updates. Changes within it share one.
const PAUSE: Duration = Duration::from_millis(10);
/// The longest time between two updates: a subscriber takes silence for a lost connection. The
/// counts of a shared store, which other processes change too, are read this often.
const HEARTBEAT: Duration = Duration::from_secs(1);

/// The updates for one subscriber.
pub struct Updates {
    engine: Engine,
    changes: watch::Receiver<u64>,
    /// What the subscriber knows: the `seq` of each event, and whether it is stale.
    told: HashMap<EventName, (u64, bool)>,
    next_at: Instant,
    /// When all events were last read.
    read_at: Instant,
    is_first: bool,
}

impl Updates {
    pub fn new(engine: Engine) -> Self {
        let changes = engine.changes();
        let now = Instant::now();
        Self { engine, changes, told: HashMap::new(), next_at: now, read_at: now, is_first: true }
    }

    /// Waits for something to tell, and returns it as lines of JSON: all events at first, then
    /// those that have changed, or an empty object.
    pub async fn next(&mut self) -> Vec<u8> {
        let mut text = Vec::new();
        if self.is_first {
            self.is_first = false;
            self.changes.mark_unchanged();
            self.read_all(&mut text).await;
            write(&mut text, &StreamLine { complete: true, ..StreamLine::default() });
        } else {
            self.await_change(&mut text).await;
        }
        self.next_at = Instant::now() + PAUSE;
        text
    }

    async fn await_change(&mut self, text: &mut Vec<u8>) {
        sleep_until(self.next_at).await;
        while text.is_empty() {
            let due = self.read_at + HEARTBEAT;
            // The sender lives as long as the engine.
            let changed = timeout_at(due, self.changes.changed()).await;
            // Also while this process publishes all the time: others may write other events.
            if changed.is_ok() && Instant::now() < due {
                self.read_published(text);
                continue;
            }
            self.read_all(text).await;
            if text.is_empty() {
                write(text, &StreamLine::default());
            }
        }
    }

    /// Tells what this process has published.
    fn read_published(&mut self, text: &mut Vec<u8>) {
        for view in self.engine.published() {
            self.tell(&EventSnapshot { view, stale: None }, text);
        }
    }

    /// Reads all events, writes the expiries that are due, and tells what is new.
    async fn read_all(&mut self, text: &mut Vec<u8>) {
        self.read_at = Instant::now();
        let engine = self.engine.clone();
        // A later call tells the events that cannot be read now.
        let _ = engine.visit_events(|seen| self.tell(&seen, text)).await;
    }

    fn tell(&mut self, seen: &EventSnapshot, text: &mut Vec<u8>) {
        let (event, stale) = (&seen.view.event, seen.stale.is_some());
        let new = (event.seq, stale);
        if self.told.get(&event.name) == Some(&new) {
            return;
        }
        self.told.insert(event.name.clone(), new);
        let frame = EventFrame::of(&seen.view, stale, self.engine.now_ms());
        write(text, &StreamLine { frame: Some(frame), ..StreamLine::default() });
    }
}

fn write(text: &mut Vec<u8>, line: &StreamLine) {
    let start = text.len();
    if let Err(error) = serde_json::to_writer(&mut *text, line) {
        tracing::error!(%error, "cannot encode an event");
        text.truncate(start);
        return;
    }
    text.push(b'\n');
}
