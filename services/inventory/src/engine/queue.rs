//! The bounded queue in front of the committer, and the news of its end.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, oneshot, watch};

use super::{EngineError, Reply};
use crate::domain::{Command, IdempotencyKey};
use crate::store::StoreError;

/// A command on its way to the committer.
pub struct Job {
    pub command: Command,
    pub key: Option<IdempotencyKey>,
    pub deadline: Option<tokio::time::Instant>,
    pub answer: oneshot::Sender<Result<Reply, EngineError>>,
}

/// How the engine ended.
#[derive(Debug, Clone)]
enum End {
    Running,
    Failed(StoreError),
    Stopped,
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
    end: watch::Sender<End>,
    len_max: usize,
}

impl Queue {
    pub fn new(len_max: usize) -> Self {
        Self { state: Mutex::default(), arrived: Notify::new(), end: watch::channel(End::Running).0, len_max }
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
        for job in waiting {
            // The caller may be gone; then nobody wants to know.
            let _ = job.answer.send(Err(EngineError::Store(error.clone())));
        }
        self.end.send_replace(End::Failed(error.clone()));
    }

    pub fn stop(&self) {
        self.end.send_replace(End::Stopped);
    }

    pub async fn failed(&self) -> StoreError {
        let mut end = self.end.subscribe();
        loop {
            if let End::Failed(error) = &*end.borrow_and_update() {
                return error.clone();
            }
            if end.changed().await.is_err() {
                // The sender lives in self: it cannot be gone.
                std::future::pending::<()>().await;
            }
        }
    }

    /// Waits until the committer has ended, either way.
    pub async fn stopped(&self) {
        let mut end = self.end.subscribe();
        let _ = end.wait_for(|end| !matches!(end, End::Running)).await;
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
