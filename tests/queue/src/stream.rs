//! One stream that many people look at.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;
use serde::Deserialize;
use tokio::{sync::watch, time::sleep};

use crate::{
    http::Http,
    stall::{self, Signal, Stall},
};

/// What the waiting room is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    Pre,
    Drawing,
    Open,
    SoldOut,
}

/// The newest frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct View {
    pub phase: Phase,
    pub serving: u64,
    pub waiting: u64,
    pub left: u64,
    #[serde(skip)]
    pub seq: u64,
}

impl View {
    pub const FIRST: Self = Self { phase: Phase::Pre, serving: 0, waiting: 0, left: 0, seq: 0 };
}

/// What was seen of the sale, by the clock of the ledger.
#[derive(Default)]
pub struct Timeline {
    seen: Mutex<(u64, Vec<(u64, Signal)>)>,
    pub wrong: Mutex<Vec<String>>,
    pub frames: Mutex<u64>,
}

pub fn now_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}

impl Timeline {
    /// Somebody got a pass, a hold or a confirmation.
    pub fn moved(&self) {
        let mut seen = self.seen.lock();
        seen.1.push((now_ms(), Signal::Moved));
    }

    /// Somebody's stream showed `view`; frames that are older than others do not count.
    fn show(&self, view: &View, before: &View) {
        *self.frames.lock() += 1;
        if view.serving < before.serving || view.phase < before.phase || view.seq < before.seq {
            self.wrong.lock().push(format!("a stream went back: {before:?}, then {view:?}"));
        }
        let mut seen = self.seen.lock();
        if view.seq <= seen.0 || view.phase < Phase::Open {
            return;
        }
        seen.0 = view.seq;
        let now_ms = now_ms();
        if view.serving > before.serving {
            seen.1.push((now_ms, Signal::Moved));
        }
        let state = Signal::State { left: view.left, waiting: view.waiting };
        seen.1.push((now_ms, state));
    }

    pub fn longest_stall(&self) -> Stall {
        stall::longest(self.seen.lock().1.iter().copied())
    }
}

/// The pause when a server has not named one.
const RETRY: Duration = Duration::from_millis(1_000);

/// Follows the stream at `path` and connects again as an EventSource does, until it is aborted.
pub async fn follow(http: &Http, path: &str, timeline: &Timeline, views: &watch::Sender<View>) {
    let mut retry = RETRY;
    loop {
        if let Ok(mut response) = http.open(path).await {
            let mut text = Vec::new();
            while let Ok(Some(chunk)) = response.chunk().await {
                text.extend_from_slice(&chunk);
                while let Some(end) = memchr::memmem::find(&text, b"\n\n") {
                    let event: Vec<u8> = text.drain(..end + 2).collect();
                    take(&event, &mut retry, timeline, views);
                }
            }
        }
        sleep(retry).await;
    }
}

fn take(event: &[u8], retry: &mut Duration, timeline: &Timeline, views: &watch::Sender<View>) {
    let (mut seq, mut view) = (0, None);
    for line in String::from_utf8_lossy(event).lines() {
        match line.split_once(": ") {
            Some(("retry", ms)) => {
                *retry = ms.parse().map_or(RETRY, Duration::from_millis);
            }
            Some(("id", id)) => seq = id.parse().unwrap_or_default(),
            Some(("data", data)) => match serde_json::from_str::<View>(data) {
                Ok(data) => view = Some(data),
                Err(error) => timeline.wrong.lock().push(format!("{data}: {error}")),
            },
            _ => {}
        }
    }
    if let Some(view) = view {
        let view = View { seq, ..view };
        timeline.show(&view, &views.borrow());
        views.send_replace(view);
    }
}

/// Waits until `views` shows what `is_so` says; false when that takes longer than `limit`.
pub async fn until(
    views: &mut watch::Receiver<View>,
    limit: Duration,
    is_so: impl Fn(&View) -> bool,
) -> bool {
    let since = Instant::now();
    let seen = views.wait_for(is_so);
    tokio::time::timeout(limit.saturating_sub(since.elapsed()), seen).await.is_ok()
}
