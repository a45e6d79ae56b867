//! The queue in front of several writers: commands wait by event, and each event has one writer at
//! a time.

use std::collections::{HashMap, VecDeque};

use inventory::domain::{CommandKind, EventName};
use inventory_store::StoreError;
use parking_lot::{Mutex, MutexGuard};
use tokio::sync::Notify;

use crate::{
    end::EngineEnd,
    queue::{Job, Origin, answer},
    request::EngineError,
};

/// The key commands are ordered by: their event, or `None` for holds whose event is unknown.
pub type EventKey = Option<EventName>;

/// The commands of one event. The event belongs to the writer that took them until it is done.
pub struct Work {
    pub event_key: EventKey,
    pub jobs: Vec<Job>,
}

#[derive(Default)]
struct Pending {
    jobs: VecDeque<Job>,
    /// A writer is committing commands of this event.
    taken: bool,
}

#[derive(Default)]
struct State {
    pending: HashMap<EventKey, Pending>,
    /// Events that have jobs and no writer, the longest waiting first.
    ready: VecDeque<EventKey>,
    len: usize,
    writers: usize,
    closed: bool,
    failed: Option<StoreError>,
}

/// Commands by event.
pub struct KeyedQueue {
    state: Mutex<State>,
    arrived: Notify,
    pub end: EngineEnd,
    len_max: usize,
}

impl KeyedQueue {
    pub fn new(len_max: usize, writers: usize) -> Self {
        Self {
            state: Mutex::new(State { writers, ..State::default() }),
            arrived: Notify::new(),
            end: EngineEnd::default(),
            len_max,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    /// Adds a job to its event, or refuses it immediately.
    pub fn push(&self, event: EventKey, job: Job, origin: Origin) -> Result<(), EngineError> {
        let mut state = self.state();
        state.check()?;
        if state.len >= len_max(&job, origin, self.len_max) {
            return Err(EngineError::Busy);
        }
        state.len += 1;
        let waiting = state.pending.entry(event.clone()).or_default();
        waiting.jobs.push_back(job);
        let ready = !waiting.taken && waiting.jobs.len() == 1;
        if ready {
            state.ready.push_back(event);
            drop(state);
            self.arrived.notify_one();
        }
        Ok(())
    }

    /// Waits for an event with jobs and takes at most `most` of them; `None` when closed and
    /// nothing is left to take.
    pub async fn take(&self, most: usize) -> Option<Work> {
        loop {
            {
                let mut state = self.state();
                if let Some(event) = state.ready.pop_front() {
                    let jobs = state.pending.get_mut(&event).map(|waiting| {
                        waiting.taken = true;
                        let count = waiting.jobs.len().min(most);
                        waiting.jobs.drain(..count).collect::<Vec<_>>()
                    });
                    let jobs = jobs.unwrap_or_default();
                    state.len -= jobs.len();
                    if !state.ready.is_empty() {
                        // Two arrivals may have caused one notification.
                        self.arrived.notify_one();
                    }
                    return Some(Work { event_key: event, jobs });
                }
                if state.closed || state.failed.is_some() {
                    return None;
                }
            }
            self.arrived.notified().await;
        }
    }

    /// Takes more jobs of an event that its writer holds: at most `most`, in order, or none when
    /// there are fewer than `at_least`.
    ///
    /// Stops at an expiry: the hold may not have expired yet by the time of the loaded set.
    pub fn more(&self, event: &EventKey, most: usize, at_least: usize) -> Vec<Job> {
        let mut state = self.state();
        let Some(waiting) = state.pending.get_mut(event) else { return Vec::new() };
        let fit = waiting
            .jobs
            .iter()
            .take(most)
            .take_while(|job| !matches!(job.command.kind, CommandKind::Expire { .. }))
            .count();
        if fit < at_least {
            return Vec::new();
        }
        let jobs: Vec<_> = waiting.jobs.drain(..fit).collect();
        state.len -= jobs.len();
        jobs
    }

    /// Releases an event. Jobs that arrived meanwhile are ready for any writer.
    pub fn done(&self, event: EventKey) {
        let mut state = self.state();
        let Some(waiting) = state.pending.get_mut(&event) else { return };
        waiting.taken = false;
        if waiting.jobs.is_empty() {
            state.pending.remove(&event);
        } else {
            state.ready.push_back(event);
            drop(state);
            self.arrived.notify_one();
        }
    }

    /// A writer has ended; the last one ends the engine.
    pub fn writer_ended(&self) {
        let left = {
            let mut state = self.state();
            state.writers = state.writers.saturating_sub(1);
            state.writers
        };
        // The others may be asleep.
        self.arrived.notify_one();
        if left == 0 && self.check_failed().is_ok() {
            self.end.stop();
        }
    }

    fn check_failed(&self) -> Result<(), StoreError> {
        self.state().failed.clone().map_or(Ok(()), Err)
    }

    pub fn len(&self) -> usize {
        self.state().len
    }

    pub fn check(&self) -> Result<(), EngineError> {
        self.state().check()
    }

    pub fn close(&self) {
        self.state().closed = true;
        self.arrived.notify_one();
    }

    pub fn is_closed(&self) -> bool {
        self.check().is_err()
    }

    /// Refuses all further jobs, and fails those in the queue.
    pub fn fail(&self, error: &StoreError) {
        let waiting: Vec<_> = {
            let mut state = self.state();
            state.failed = Some(error.clone());
            state.ready.clear();
            state.len = 0;
            state.pending.drain().flat_map(|(_, waiting)| waiting.jobs).collect()
        };
        answer(waiting, || Err(EngineError::Store(error.clone())));
        self.end.fail(error);
        self.arrived.notify_one();
    }
}

/// The queue length from which on `job` is refused. An eighth of the queue is reserved for commands
/// that finish a hold.
fn len_max(job: &Job, origin: Origin, len_max: usize) -> usize {
    match (origin, job.command.kind.is_urgent()) {
        (Origin::Engine, _) => len_max.saturating_mul(2),
        (Origin::Caller, true) => len_max,
        (Origin::Caller, false) => len_max - len_max / 8,
    }
}

impl State {
    fn check(&self) -> Result<(), EngineError> {
        match &self.failed {
            Some(error) => Err(EngineError::Store(error.clone())),
            None if self.closed => Err(EngineError::Stopping),
            None => Ok(()),
        }
    }
}
