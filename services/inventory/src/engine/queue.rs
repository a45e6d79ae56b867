//! The bounded queue in front of the committer.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, oneshot};

use super::end::End;
use super::{EngineError, Reply};
use crate::domain::{Command, IdempotencyKey};
use crate::store::StoreError;

/// Where the answer to a command arrives.
pub type Answer = oneshot::Receiver<Result<Reply, EngineError>>;

/// A command on its way to the committer.
pub struct Job {
    pub command: Command,
    pub key: Option<IdempotencyKey>,
    pub deadline: Option<tokio::time::Instant>,
    pub answer: oneshot::Sender<Result<Reply, EngineError>>,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    closed: bool,
    failed: Option<StoreError>,
}

pub struct Queue {
    state: Mutex<State>,
    arrived: Notify,
    pub end: End,
    len_max: usize,
}

impl Queue {
    pub fn new(len_max: usize) -> Self {
        Self { state: Mutex::default(), arrived: Notify::new(), end: End::default(), len_max }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a job, or refuses it at once. An internal job, without which readers cannot go on, has room beyond the bound.
    pub fn push(&self, job: Job, internal: bool) -> Result<(), EngineError> {
        let mut state = self.state();
        state.check()?;
        let len_max = if internal { self.len_max * 2 } else { self.len_max };
        if state.jobs.len() >= len_max {
            return Err(EngineError::Busy);
        }
        state.jobs.push_back(job);
        drop(state);
        self.arrived.notify_one();
        Ok(())
    }

    /// Takes at most `most` jobs in the order of their arrival; `None` when closed and empty.
    pub fn take(&self, most: usize) -> Option<Vec<Job>> {
        let mut state = self.state();
        if state.jobs.is_empty() && state.closed {
            return None;
        }
        let count = state.jobs.len().min(most);
        Some(state.jobs.drain(..count).collect())
    }

    /// Waits until a job has arrived or the queue was closed since the last [`Queue::take`].
    pub async fn arrival(&self) {
        self.arrived.notified().await;
    }

    pub fn len(&self) -> usize {
        self.state().jobs.len()
    }

    pub fn check(&self) -> Result<(), EngineError> {
        self.state().check()
    }

    pub fn close(&self) {
        self.state().closed = true;
        self.arrived.notify_one();
    }

    /// Refuses everything from now on, and fails all that waits.
    pub fn fail(&self, error: &StoreError) {
        let waiting = {
            let mut state = self.state();
            state.failed = Some(error.clone());
            std::mem::take(&mut state.jobs)
        };
        answer(waiting, || Err(EngineError::Store(error.clone())));
        self.end.fail(error);
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

/// Answers each of `jobs` in order.
pub fn answer(jobs: impl IntoIterator<Item = Job>, mut reply: impl FnMut() -> Result<Reply, EngineError>) {
    for job in jobs {
        // The caller may be gone; what he asked for is done all the same.
        let _ = job.answer.send(reply());
    }
}

/// Answers those whose deadline has passed, and gives back the others.
pub fn drop_late(jobs: Vec<Job>, now: tokio::time::Instant) -> Vec<Job> {
    let (jobs, late): (Vec<_>, Vec<_>) = jobs.into_iter().partition(|job| job.deadline.is_none_or(|deadline| now < deadline));
    answer(late, || Err(EngineError::DeadlinePassed));
    jobs
}
