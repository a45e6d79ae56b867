//! The frames of streams: each is encoded once, for all who follow the event.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;
use inventory::EventName;
use parking_lot::Mutex;
use serde::Serialize;
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};
use vacancy_api::QueueFrame;

use crate::{client::VacancyClient, reading::EventReading};

/// The shortest time between two frames of an event. Changes within it share one.
const PAUSE: Duration = Duration::from_millis(200);
/// The same for a waiting room, which a larger crowd follows.
const QUEUE_PAUSE: Duration = Duration::from_millis(500);
/// The most frames that a process sends in a second, in the long run: a crowd gets fewer each.
const FRAMES_PER_S: f64 = 5_000.0;
/// The same for a waiting room: a frame reaches 10,000 people within a second.
const QUEUE_FRAMES_PER_S: f64 = 12_500.0;
/// Groups that get a frame one after the other.
const GROUPS: usize = 32;
/// So few followers get a frame at once.
const FEW: usize = 64;
/// The longest time between two reads of an event: what other processes write to a shared store is
/// seen only by reading.
const READ_EVERY: Duration = Duration::from_secs(1);

/// What a frame shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Subject {
    /// An event.
    Event,
    /// Its waiting room.
    Queue,
}

impl Subject {
    /// The frame for `reading`; `None` if it has nothing to show.
    pub fn frame(self, reading: &EventReading) -> Option<Frame> {
        match self {
            Self::Event => Some(Frame::of(reading)),
            Self::Queue => Frame::of_queue(reading),
        }
    }

    /// Whether `frame` tells something to who knows `known`: nobody sees an older state, and
    /// nobody a waiting room twice as it is.
    pub fn is_news(self, frame: &Frame, known: &Frame) -> bool {
        match self {
            Self::Event => frame.version.is_news_to(known.version),
            // Its speed changes with the time, and most changes of an event are none of it.
            Self::Queue => {
                let age = |frame: &Frame| (frame.version.seq, frame.made_at);
                age(frame) > age(known) && !frame.shows_same(known)
            }
        }
    }

    /// The time between two frames for this many followers.
    fn pause(self, followers: usize) -> Duration {
        let (pause, frames_per_s) = match self {
            Self::Event => (PAUSE, FRAMES_PER_S),
            Self::Queue => (QUEUE_PAUSE, QUEUE_FRAMES_PER_S),
        };
        pause.max(Duration::from_secs_f64(followers as f64 / frames_per_s))
    }
}

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
    /// Where the data begin, after the id.
    data_at: usize,
    made_at: Instant,
}

impl Frame {
    /// The frame for the event of `reading`.
    pub fn of(reading: &EventReading) -> Self {
        let event = reading.event();
        Self::new(Version { seq: event.seq, stale: event.stale }, event.as_ref())
    }

    /// The frame for the waiting room of the event of `reading`, if it has one.
    pub fn of_queue(reading: &EventReading) -> Option<Self> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now_ms = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
        let queue = QueueFrame::of(&reading.frame, now_ms)?;
        let stale = reading.stale.is_some();
        Some(Self::new(Version { seq: reading.frame.event.seq, stale }, &queue))
    }

    fn new(version: Version, data: &impl Serialize) -> Self {
        let data = serde_json::to_string(data).unwrap_or_else(|error| {
            tracing::error!(%error, "cannot encode a frame");
            "null".to_owned()
        });
        let head = format!("id: {}\n", version.seq);
        let data_at = head.len();
        let text = format!("{head}data: {data}\n\n").into();
        Self { version, data_at, text, made_at: Instant::now() }
    }

    /// Whether it shows the same as `other`, of another time perhaps.
    fn shows_same(&self, other: &Self) -> bool {
        self.text[self.data_at..] == other.text[other.data_at..]
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
    async fn send(&self, subject: Subject, frame: Frame) {
        let followers = self.followers();
        let pause = subject.pause(followers);
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

/// What is shown of which event.
type Key = (EventName, Subject);

/// The events that somebody follows.
pub struct Topics {
    client: Arc<dyn VacancyClient>,
    topics: Mutex<HashMap<Key, Arc<Topic>>>,
}

impl Topics {
    pub fn new(client: Arc<dyn VacancyClient>) -> Arc<Self> {
        Arc::new(Self { client, topics: Mutex::default() })
    }

    /// Follows `key`. The first change is the first state after `known`.
    pub fn follow(self: &Arc<Self>, key: &Key, known: &Frame) -> watch::Receiver<Option<Frame>> {
        let mut topics = self.topics.lock();
        if let Some(topic) = topics.get(key) {
            let mut receiver = topic.follow();
            // What was sent between the caller's read and now must not be missed.
            receiver.mark_changed();
            return receiver;
        }
        let topic = Arc::new(Topic::new(known));
        let receiver = topic.follow();
        topics.insert(key.clone(), topic.clone());
        tokio::spawn(publish(self.clone(), key.clone(), topic, known.clone()));
        receiver
    }

    /// Removes the topic if nobody follows it.
    fn remove_unfollowed(&self, key: &Key, topic: &Topic) -> bool {
        // Under the lock, under which new followers come.
        let mut topics = self.topics.lock();
        let is_left = topic.followers() == 0;
        if is_left {
            topics.remove(key);
        }
        is_left
    }
}

/// Publishes the states of `key` while somebody follows it.
async fn publish(topics: Arc<Topics>, key: Key, topic: Arc<Topic>, mut last: Frame) {
    let (event, subject) = &key;
    let mut changes = topics.client.changes();
    loop {
        if let Ok(Err(_)) = timeout(READ_EVERY, changes.changed()).await {
            // The client says nothing any more: it is read from time to time.
            sleep(READ_EVERY).await;
        }
        if topics.remove_unfollowed(&key, &topic) {
            return;
        }
        let reading = match topics.client.event(event, None).await {
            Ok(reading) => reading.filter(|reading| !reading.frame.deleted),
            // It stays as it was.
            Err(_) => continue,
        };
        let Some(frame) = reading.and_then(|reading| subject.frame(&reading)) else {
            // Its followers end, and find out why when they come back.
            topics.topics.lock().remove(&key);
            return topic.send_at_once(&None);
        };
        if subject.is_news(&frame, &last) {
            last = frame.clone();
            topic.send(*subject, frame).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crowd_gets_fewer_frames_each() {
        assert_eq!(Subject::Event.pause(1), PAUSE);
        assert_eq!(Subject::Event.pause(1_000), PAUSE);
        assert_eq!(Subject::Event.pause(5_000), Duration::from_secs(1));
        assert!(Subject::Queue.pause(10_000) < Duration::from_secs(1));
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

    #[test]
    fn waiting_room_is_told_once_and_never_older() {
        let frame = |seq, data: &str| Frame::new(Version { seq, stale: false }, &data);
        let (older, known) = (frame(7, "pre"), frame(7, "open"));
        let is_news = |frame: &Frame| Subject::Queue.is_news(frame, &known);
        assert!(!is_news(&known) && !is_news(&older) && !is_news(&frame(6, "later")));
        assert!(!is_news(&frame(7, "open")) && !is_news(&frame(8, "open")));
        assert!(is_news(&frame(7, "eta")) && is_news(&frame(8, "eta")));
    }

    #[tokio::test(start_paused = true)]
    async fn groups_get_a_frame_one_after_the_other() {
        let frame = |seq| Frame::new(Version { seq, stale: false }, &());
        let topic = Topic::new(&frame(1));
        let mut followers: Vec<_> = (0..FEW + GROUPS).map(|_| topic.follow()).collect();
        let mut first = followers[0].clone();
        let started = tokio::time::Instant::now();
        let sent = topic.send(Subject::Event, frame(2));
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
