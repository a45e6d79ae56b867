//! The time in which vacancy cannot be reached at all: no connection is accepted, so no request
//! can have had an effect. Requests wait through it, for a bounded time.

use std::{
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    time::Duration,
};

use parking_lot::Mutex;
use tokio::time::Instant;

/// The current outage, or the last one.
pub struct Outage {
    wait_max: Duration,
    /// Whether one lasts. Spares successful calls the lock.
    lasts: AtomicBool,
    span: Mutex<Option<Span>>,
}

#[derive(Clone, Copy)]
struct Span {
    from: Instant,
    /// `None` while it lasts.
    to: Option<Instant>,
}

impl Outage {
    /// Purchases wait at most `wait_max` from the beginning of an outage.
    pub fn new(wait_max: Duration) -> Self {
        Self { wait_max, lasts: AtomicBool::new(false), span: Mutex::new(None) }
    }

    /// Records that no connection was accepted.
    pub fn begin(&self) {
        if !self.lasts.swap(true, Relaxed) {
            *self.span.lock() = Some(Span { from: Instant::now(), to: None });
        }
    }

    /// Records that vacancy was reached.
    pub fn end(&self) {
        if self.lasts.load(Relaxed)
            && self.lasts.swap(false, Relaxed)
            && let Some(span) = &mut *self.span.lock()
        {
            span.to = Some(Instant::now());
        }
    }

    /// Checks whether purchases wait for the end of an outage: it lasts, and not for too long.
    pub fn is_waited_for(&self) -> bool {
        self.lasts.load(Relaxed)
            && self.span.lock().is_some_and(|span| span.from.elapsed() < self.wait_max)
    }

    /// Returns the part of an outage, up to now, that purchases have waited through.
    pub fn waited(&self) -> Waited {
        let span = *self.span.lock();
        Waited(span.map(|span| {
            let to = span.to.unwrap_or_else(Instant::now).min(span.from + self.wait_max);
            (span.from, to)
        }))
    }
}

/// The time in which purchases have waited for the end of an outage.
#[derive(Clone, Copy)]
pub struct Waited(Option<(Instant, Instant)>);

impl Waited {
    /// Returns how much of it is after `arrived`.
    pub fn since(self, arrived: Instant) -> Duration {
        self.0.map_or(Duration::ZERO, |(from, to)| to.saturating_duration_since(from.max(arrived)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAX: Duration = Duration::from_secs(5);

    async fn pass(seconds: u64) {
        tokio::time::advance(Duration::from_secs(seconds)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn wait_is_the_part_of_the_outage_after_arrival() {
        let outage = Outage::new(MAX);
        let early = Instant::now();
        assert!(!outage.is_waited_for());
        pass(1).await;
        outage.begin();
        pass(2).await;
        let late = Instant::now();
        outage.begin();
        pass(1).await;
        assert!(outage.is_waited_for(), "a second failure is the same outage");
        assert_eq!(outage.waited().since(early), Duration::from_secs(3));
        assert_eq!(outage.waited().since(late), Duration::from_secs(1));
        outage.end();
        pass(7).await;
        assert!(!outage.is_waited_for());
        assert_eq!(outage.waited().since(early), Duration::from_secs(3));
        assert_eq!(outage.waited().since(Instant::now()), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn long_outage_is_not_waited_for() {
        let outage = Outage::new(MAX);
        let early = Instant::now();
        outage.begin();
        pass(6).await;
        assert!(!outage.is_waited_for());
        assert_eq!(outage.waited().since(early), MAX);
        assert_eq!(outage.waited().since(Instant::now()), Duration::ZERO);
        outage.end();
        outage.begin();
        assert!(outage.is_waited_for(), "the next one is another");
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_wait_nothing_is_held() {
        let outage = Outage::new(Duration::ZERO);
        let early = Instant::now();
        outage.begin();
        pass(1).await;
        assert!(!outage.is_waited_for());
        assert_eq!(outage.waited().since(early), Duration::ZERO);
    }
}
