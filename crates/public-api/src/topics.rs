//! The frames of streams: each is encoded once, for all who follow the event.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

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
/// The most frames that a process sends in a second, in the long run: a crowd gets fewer each.
const FRAMES_PER_S: f64 = 5_000.0;
/// Groups that get a frame one after the other.
const GROUPS: usize = 32;
/// So few followers get a frame at once.
const FEW: usize = 64;
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

/// The followers of an event, in groups that get a frame one after the other: all at once they
/// would keep everybody else waiting.
struct Topic {
    groups: [Sender; GROUPS],
    next: AtomicUsize,
}

impl Topic {
    fn new(first: &Frame) -> Self {
        let group = |_| watch::Sender::new(Some(first.clone()));
        Self { groups: std::array::from_fn(group), next: AtomicUsize::new(0) }
    }

    fn follow(&self) -> watch::Receiver<Option<Frame>> {
        self.groups[self.next.fetch_add(1, Relaxed) % GROUPS].subscribe()
    }

    fn followers(&self) -> usize {
        self.groups.iter().map(Sender::receiver_count).sum()
    }

    /// Gives `frame` to all followers, spread over the time until the next one.
    async fn send(&self, frame: Frame) {
        let followers = self.followers();
        let pause = pause(followers);
        if followers <= FEW {
            self.send_at_once(&Some(frame));
            return sleep(pause).await;
        }
        let frame = Some(frame);
        for group in &self.groups {
            group.send_replace(frame.clone());
            sleep(pause / GROUPS as u32).await;
        }
    }

    fn send_at_once(&self, frame: &Option<Frame>) {
        for group in &self.groups {
            group.send_replace(frame.clone());
        }
    }
}

/// The time between two frames for this many followers.
fn pause(followers: usize) -> Duration {
    PAUSE.max(Duration::from_secs_f64(followers as f64 / FRAMES_PER_S))
}

/// The events that somebody follows.
pub struct Topics {
    client: Arc<dyn VacancyClient>,
    topics: Mutex<HashMap<EventName, Arc<Topic>>>,
}

impl Topics {
    pub fn new(client: Arc<dyn VacancyClient>) -> Arc<Self> {
        Arc::new(Self { client, topics: Mutex::default() })
    }

    /// Follows `event`. The first change is the first state after `known`.
    pub fn follow(
        self: &Arc<Self>,
        event: &EventName,
        known: &Frame,
    ) -> watch::Receiver<Option<Frame>> {
        let mut topics = self.topics.lock();
        if let Some(topic) = topics.get(event) {
            let mut receiver = topic.follow();
            // What was sent between the caller's read and now must not be missed.
            receiver.mark_changed();
            return receiver;
        }
        let topic = Arc::new(Topic::new(known));
        let receiver = topic.follow();
        topics.insert(event.clone(), topic.clone());
        tokio::spawn(publish(self.clone(), event.clone(), topic, known.version));
        receiver
    }

    /// Removes the topic if nobody follows it.
    fn remove_unfollowed(&self, event: &EventName, topic: &Topic) -> bool {
        // Under the lock, under which new followers come.
        let mut topics = self.topics.lock();
        let is_left = topic.followers() == 0;
        if is_left {
            topics.remove(event);
        }
        is_left
    }
}

/// Publishes the states of `event` while somebody follows it.
async fn publish(topics: Arc<Topics>, event: EventName, topic: Arc<Topic>, mut last: Version) {
    let mut changes = topics.client.changes();
    loop {
        if let Ok(Err(_)) = timeout(READ_EVERY, changes.changed()).await {
            // The client says nothing any more: it is read from time to time.
            sleep(READ_EVERY).await;
        }
        if topics.remove_unfollowed(&event, &topic) {
            return;
        }
        match topics.client.event(&event, None).await {
            Ok(Some(reading)) if !reading.frame.deleted => {
                let frame = Frame::of(&reading);
                if frame.version.is_news_to(last) {
                    last = frame.version;
                    topic.send(frame).await;
                }
            }
            Ok(_) => {
                // Its followers end, and find out why when they come back.
                topics.topics.lock().remove(&event);
                return topic.send_at_once(&None);
            }
            // It stays as it was.
            Err(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crowd_gets_fewer_frames_each() {
        assert_eq!(pause(1), PAUSE);
        assert_eq!(pause(1_000), PAUSE);
        assert_eq!(pause(5_000), Duration::from_secs(1));
    }

    #[test]
    fn nobody_is_told_an_older_state() {
        let version = |seq, stale| Version { seq, stale };
        let known = version(7, false);
        assert!(version(8, false).is_news_to(known) && version(7, true).is_news_to(known));
        for old in [version(7, false), version(6, false), version(6, true)] {
            assert!(!old.is_news_to(known), "{old:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn groups_get_a_frame_one_after_the_other() {
        let frame = |seq| Frame { version: Version { seq, stale: false }, text: Bytes::new() };
        let topic = Topic::new(&frame(1));
        let mut followers: Vec<_> = (0..FEW + GROUPS).map(|_| topic.follow()).collect();
        let mut first = followers[0].clone();
        let started = tokio::time::Instant::now();
        let sent = topic.send(frame(2));
        let seen = async {
            first.changed().await.unwrap();
            let first_at = started.elapsed();
            for follower in &mut followers {
                follower.changed().await.unwrap();
            }
            (first_at, started.elapsed())
        };
        let ((), (first_at, last_at)) = tokio::join!(sent, seen);
        assert_eq!(first_at, Duration::ZERO);
        // Timers have a resolution of a millisecond.
        assert!(last_at >= PAUSE - PAUSE / 8 && last_at <= PAUSE + PAUSE / 4, "{last_at:?}");
    }
}
