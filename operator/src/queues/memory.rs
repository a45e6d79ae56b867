//! What is remembered about the calls to each system.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use parking_lot::Mutex;

use super::report::PauseFailure;

/// Shortest time between two reads of one system.
pub(super) const READ_INTERVAL: Duration = Duration::from_secs(15);
/// Longest time between reads that fail.
const READ_INTERVAL_MAX: Duration = Duration::from_secs(120);
const RETRY_MIN: Duration = Duration::from_secs(1);
const RETRY_MAX: Duration = Duration::from_secs(60);

/// The memory of all systems in one scope, by uid. It is lost with the process, and only delays
/// follow.
#[derive(Debug, Default)]
pub struct QueueMemory(Mutex<HashMap<String, Calls>>);

#[derive(Debug, Default)]
struct Calls {
    next_read: Option<Instant>,
    failed_reads: u32,
    failure: Option<(PauseFailure, Instant)>,
    failed_calls: u32,
}

fn doubled(start: Duration, times: u32, max: Duration) -> Duration {
    start.saturating_mul(1 << times.min(16)).min(max)
}

impl QueueMemory {
    /// Forgets the systems whose uid does not satisfy `is_known`.
    pub fn retain(&self, is_known: impl Fn(&str) -> bool) {
        self.0.lock().retain(|uid, _| is_known(uid));
    }

    /// Whether the system may be read at `now`.
    pub(super) fn is_read_due(&self, uid: &str, now: Instant) -> bool {
        let systems = self.0.lock();
        systems.get(uid).and_then(|calls| calls.next_read).is_none_or(|next| now >= next)
    }

    /// Records a read that began at `now`.
    pub(super) fn read(&self, uid: &str, now: Instant, succeeded: bool) {
        let mut systems = self.0.lock();
        let calls = systems.entry(uid.to_owned()).or_default();
        calls.failed_reads = if succeeded { 0 } else { calls.failed_reads + 1 };
        let failed = calls.failed_reads.saturating_sub(1);
        calls.next_read = Some(now + doubled(READ_INTERVAL, failed, READ_INTERVAL_MAX));
    }

    /// The last failure to pause or resume, and how long the next attempt waits for, if it waits at
    /// `now`. Another value does not wait.
    pub(super) fn waits(
        &self,
        uid: &str,
        paused: bool,
        now: Instant,
    ) -> Option<(PauseFailure, Duration)> {
        let systems = self.0.lock();
        let (failure, until) = systems.get(uid)?.failure.as_ref()?;
        let rest = until.saturating_duration_since(now);
        (failure.paused == paused && !rest.is_zero()).then(|| (failure.clone(), rest))
    }

    /// Records a failure to pause or resume at `now`. Returns the delay before the next attempt.
    pub(super) fn failed(&self, uid: &str, failure: PauseFailure, now: Instant) -> Duration {
        let mut systems = self.0.lock();
        let calls = systems.entry(uid.to_owned()).or_default();
        if calls.failure.as_ref().is_some_and(|(former, _)| former.paused != failure.paused) {
            calls.failed_calls = 0;
        }
        let delay = doubled(RETRY_MIN, calls.failed_calls, RETRY_MAX);
        calls.failed_calls += 1;
        calls.failure = Some((failure, now + delay));
        delay
    }

    /// Forgets failures to pause or resume.
    pub(super) fn succeeded(&self, uid: &str) {
        if let Some(calls) = self.0.lock().get_mut(uid) {
            calls.failure = None;
            calls.failed_calls = 0;
        }
    }
}
