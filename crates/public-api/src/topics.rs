//! The frames of streams: each is encoded once, for all who follow the event.

use std::{collections::HashMap, sync::Arc, time::Duration};

use bytes::Bytes;
use inventory::EventName;
use parking_lot::Mutex;
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};

use crate::{client::VacancyClient, reading::EventReading};

/// The shortest time between two frames of an event. Changes within it share one.
const PAUSE: Duration = Duration::from_millis(200);
/// The longest time between two reads of an event: what other processes write to a shared store is
/// seen only by reading.
const READ_EVERY: Duration = Duration::from_secs(1);

/// The state that a frame shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Version {
    /// The `seq` of the counts.
    pub seq: u64,
    /// Whether they were stale.
    pub stale: bool,
}

impl Version {
    /// Whether it tells something to who knows `known`: nobody sees an older state.
    pub fn is_news_to(self, known: Self) -> bool {
        self.seq > known.seq || (self.seq == known.seq && self.stale != known.stale)
    }
}

/// An event of a stream, with the state that it shows.
#[derive(Debug, Clone)]
pub struct Frame {
    pub version: Version,
    pub text: Bytes,
}

impl Frame {
    /// The frame for `reading`.
    pub fn of(reading: &EventReading) -> Self {
        let event = reading.event();
        let version = Version { seq: event.seq, stale: event.stale };
        let data = serde_json::to_string(event.as_ref()).unwrap_or_else(|error| {
            tracing::error!(%error, "cannot encode an event");
            "null".to_owned()
        });
        Self { version, text: format!("id: {}\ndata: {data}\n\n", event.seq).into() }
    }
}

type Sender = watch::Sender<Option<Frame>>;

/// The events that somebody follows.
pub struct Topics {
    client: Arc<dyn VacancyClient>,
    senders: Mutex<HashMap<EventName, Arc<Sender>>>,
}

impl Topics {
    pub fn new(client: Arc<dyn VacancyClient>) -> Arc<Self> {
        Arc::new(Self { client, senders: Mutex::default() })
    }

    /// Follows `event`. The first change is the first state after `known`.
    pub fn follow(
        self: &Arc<Self>,
        event: &EventName,
        known: &Frame,
    ) -> watch::Receiver<Option<Frame>> {
        let mut senders = self.senders.lock();
        if let Some(sender) = senders.get(event) {
            let mut receiver = sender.subscribe();
            // What was sent between the caller's read and now must not be missed.
            receiver.mark_changed();
            return receiver;
        }
        let (sender, receiver) = watch::channel(Some(known.clone()));
        let sender = Arc::new(sender);
        senders.insert(event.clone(), sender.clone());
        tokio::spawn(publish(self.clone(), event.clone(), sender));
        receiver
    }

    /// Removes the topic if nobody follows it.
    fn remove(&self, event: &EventName, sender: &Sender) -> bool {
        // Under the lock, under which new followers come.
        let mut senders = self.senders.lock();
        let is_left = sender.receiver_count() == 0;
        if is_left {
            senders.remove(event);
        }
        is_left
    }
}

/// Publishes the states of `event` while somebody follows it.
async fn publish(topics: Arc<Topics>, event: EventName, sender: Arc<Sender>) {
    let mut changes = topics.client.changes();
    loop {
        // A client without changes any more is read from time to time.
        let wait = timeout(READ_EVERY, changes.changed());
        let end = tokio::select! {
            waited = wait => matches!(waited, Ok(Err(_))),
            () = sender.closed() => false,
        };
        if end {
            sleep(READ_EVERY).await;
        }
        if sender.receiver_count() == 0 && topics.remove(&event, &sender) {
            return;
        }
        match topics.client.event(&event, None).await {
            Ok(Some(reading)) if !reading.frame.deleted => {
                let frame = Frame::of(&reading);
                sender.send_if_modified(|last| {
                    let is_news =
                        last.as_ref().is_none_or(|last| frame.version.is_news_to(last.version));
                    if is_news {
                        *last = Some(frame);
                    }
                    is_news
                });
            }
            Ok(_) => {
                // Its followers end, and find out why when they come back.
                topics.senders.lock().remove(&event);
                sender.send_replace(None);
                return;
            }
            // It stays as it was.
            Err(_) => {}
        }
        sleep(PAUSE).await;
    }
}
