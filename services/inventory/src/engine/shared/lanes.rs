//! The queue in front of several writers: a lane for each event, and each lane with one writer at a
//! time.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Notify;

use crate::{
    domain::{CommandKind, EventName},
    engine::{
        EngineError,
        end::End,
        queue::{Job, answer},
    },
    store::StoreError,
};

/// Whose commands are decided one after the other: those of an event, or those about holds that
/// nobody knows.
pub type Lane = Option<EventName>;

/// What a writer takes: the commands of one lane, which is his until he has done them.
pub struct Work {
    pub lane: Lane,
    pub jobs: Vec<Job>,
}

#[derive(Default)]
struct Waiting {
    jobs: VecDeque<Job>,
    /// A writer has the lane.
    taken: bool,
}

#[derive(Default)]
struct State {
    lanes: HashMap<Lane, Waiting>,
    /// Lanes that have jobs and no writer, the longest waiting first.
    ready: VecDeque<Lane>,
    len: usize,
    writers: usize,
    closed: bool,
    failed: Option<StoreError>,
}

/// The lanes.
pub struct Lanes {
    state: Mutex<State>,
    arrived: Notify,
    pub end: End,
    len_max: usize,
}

impl Lanes {
    pub fn new(len_max: usize, writers: usize) -> Self {
        Self {
            state: Mutex::new(State { writers, ..State::default() }),
            arrived: Notify::new(),
            end: End::default(),
            len_max,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a job to its lane, or refuses it at once.
    pub fn push(&self, lane: Lane, job: Job, internal: bool) -> Result<(), EngineError> {
        let mut state = self.state();
        state.check()?;
        if state.len >= room(&job, self.len_max, internal) {
            return Err(EngineError::Busy);
        }
        state.len += 1;
        let waiting = state.lanes.entry(lane.clone()).or_default();
        waiting.jobs.push_back(job);
        let ready = !waiting.taken && waiting.jobs.len() == 1;
        if ready {
            state.ready.push_back(lane);
            drop(state);
            self.arrived.notify_one();
        }
        Ok(())
    }

    /// Waits for a lane with jobs and takes at most `most` of them; `None` when closed and nothing
    /// is left to take.
    pub async fn take(&self, most: usize) -> Option<Work> {
        loop {
            {
                let mut state = self.state();
                if let Some(lane) = state.ready.pop_front() {
                    let jobs = state.lanes.get_mut(&lane).map(|waiting| {
                        waiting.taken = true;
                        let count = waiting.jobs.len().min(most);
                        waiting.jobs.drain(..count).collect::<Vec<_>>()
                    });
                    let jobs = jobs.unwrap_or_default();
                    state.len -= jobs.len();
                    if !state.ready.is_empty() {
                        // Two arrivals may have been one piece of news.
                        self.arrived.notify_one();
                    }
                    return Some(Work { lane, jobs });
                }
                if state.closed || state.failed.is_some() {
                    return None;
                }
            }
            self.arrived.notified().await;
        }
    }

    /// Takes more of a lane that its writer has: at most `most` jobs, in their order, or none when
    /// it is fewer than `at_least`.
    ///
    /// Not an expiry, nor what comes after it: it was asked for because its time has come, which it
    /// may not have by the clock of what is loaded already.
    pub fn more(&self, lane: &Lane, most: usize, at_least: usize) -> Vec<Job> {
        let mut state = self.state();
        let Some(waiting) = state.lanes.get_mut(lane) else { return Vec::new() };
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

    /// Gives a lane back. What has arrived in it meanwhile is ready for any writer.
    pub fn done(&self, lane: Lane) {
        let mut state = self.state();
        let Some(waiting) = state.lanes.get_mut(&lane) else { return };
        waiting.taken = false;
        if waiting.jobs.is_empty() {
            state.lanes.remove(&lane);
        } else {
            state.ready.push_back(lane);
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

    /// Refuses everything from now on, and fails all that waits.
    pub fn fail(&self, error: &StoreError) {
        let waiting: Vec<_> = {
            let mut state = self.state();
            state.failed = Some(error.clone());
            state.ready.clear();
            state.len = 0;
            state.lanes.drain().flat_map(|(_, waiting)| waiting.jobs).collect()
        };
        answer(waiting, || Err(EngineError::Store(error.clone())));
        self.end.fail(error);
        self.arrived.notify_one();
    }
}

/// How many jobs may wait for `job` to be taken in. An internal job, without which readers cannot
/// go on, has room beyond the bound; an eighth is kept for what finishes a hold.
fn room(job: &Job, len_max: usize, internal: bool) -> usize {
    match (internal, job.command.kind.is_urgent()) {
        (true, _) => len_max.saturating_mul(2),
        (false, true) => len_max,
        (false, false) => len_max - len_max / 8,
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
