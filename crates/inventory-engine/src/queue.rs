//! The bounded queue in front of the committer.

use std::{collections::VecDeque, time::Duration};

use inventory::domain::{Command, IdempotencyKey};
use inventory_store::StoreError;
use parking_lot::{Mutex, MutexGuard};
use tokio::{
    sync::{Notify, oneshot},
    time::timeout_at,
};

use crate::{
    end::EngineEnd,
    in_flight::KeyGuard,
    request::{EngineError, Reply},
    stats::{BatchStats, Stats, count},
    trace_context::TraceContext,
};

/// The pending reply of a command.
pub struct PendingReply {
    pub reply: oneshot::Receiver<Result<Reply, EngineError>>,
    /// The deadline, when another request with the same key is in flight.
    pub until: Option<tokio::time::Instant>,
}

impl PendingReply {
    /// Waits for the reply. It never arrives when the committer panicked with the command.
    pub async fn get(self) -> Result<Reply, EngineError> {
        let answered = match self.until {
            None => self.reply.await,
            Some(until) => match timeout_at(until, self.reply).await {
                Ok(answered) => answered,
                Err(_) => return Err(EngineError::KeyInFlight),
            },
        };
        answered.unwrap_or_else(|_| {
            Err(EngineError::Store(StoreError::Failed("the committer ended".into())))
        })
    }
}

/// The sender of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// A caller of the engine.
    Caller,
    /// The engine itself. Readers wait for such a job, so it has space beyond the bound.
    Engine,
}

/// A command on its way to the committer.
pub struct Job {
    pub command: Command,
    pub key: Option<IdempotencyKey>,
    /// Counts the key as in flight.
    pub guard: Option<KeyGuard>,
    pub deadline: Option<tokio::time::Instant>,
    pub queued_at: tokio::time::Instant,
    pub trace: Option<TraceContext>,
    pub answer: oneshot::Sender<Result<Reply, EngineError>>,
}

#[derive(Default)]
struct State {
    /// Commands that finish a hold; they are taken first.
    urgent: VecDeque<Job>,
    jobs: VecDeque<Job>,
    closed: bool,
    failed: Option<StoreError>,
}

pub struct Queue {
    state: Mutex<State>,
    arrived: Notify,
    pub end: EngineEnd,
    len_max: usize,
}

impl Queue {
    pub fn new(len_max: usize) -> Self {
        Self { state: Mutex::default(), arrived: Notify::new(), end: EngineEnd::default(), len_max }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    /// Adds a job, or refuses it immediately. An eighth of the queue is reserved for commands that
    /// finish a hold, and an eighth for all others, so that neither kind blocks the other.
    pub fn push(&self, job: Job, origin: Origin) -> Result<(), EngineError> {
        let mut state = self.state();
        state.check()?;
        let len = state.len();
        let jobs = if job.command.kind.is_urgent() { &mut state.urgent } else { &mut state.jobs };
        let full = match origin {
            Origin::Engine => len >= self.len_max.saturating_mul(2),
            Origin::Caller => len >= self.len_max || jobs.len() >= self.len_max - self.len_max / 8,
        };
        if full {
            return Err(EngineError::Busy);
        }
        jobs.push_back(job);
        drop(state);
        self.arrived.notify_one();
        Ok(())
    }

    /// Takes at most `most` jobs in the order of arrival, urgent ones first. A quarter is reserved
    /// for the others, so that none starves. `None` when closed and empty.
    pub fn take(&self, most: usize) -> Option<Vec<Job>> {
        let mut state = self.state();
        if state.len() == 0 && state.closed {
            return None;
        }
        let urgent = state.urgent.len().min(most - state.jobs.len().min(most / 4));
        let others = state.jobs.len().min(most - urgent);
        let mut taken = Vec::with_capacity(urgent + others);
        taken.extend(state.urgent.drain(..urgent));
        taken.extend(state.jobs.drain(..others));
        Some(taken)
    }

    /// Waits until a job has arrived or the queue was closed since the last [`Queue::take`].
    pub async fn arrival(&self) {
        self.arrived.notified().await;
    }

    pub fn len(&self) -> usize {
        self.state().len()
    }

    pub fn check(&self) -> Result<(), EngineError> {
        self.state().check()
    }

    pub fn close(&self) {
        self.state().closed = true;
        self.arrived.notify_one();
    }

    /// Refuses all further jobs, and fails those in the queue.
    pub fn fail(&self, error: &StoreError) {
        let waiting = {
            let mut state = self.state();
            state.failed = Some(error.clone());
            let urgent = std::mem::take(&mut state.urgent);
            urgent.into_iter().chain(std::mem::take(&mut state.jobs))
        };
        answer(waiting, || Err(EngineError::Store(error.clone())));
        self.end.fail(error);
    }
}

impl State {
    fn len(&self) -> usize {
        self.urgent.len() + self.jobs.len()
    }

    fn check(&self) -> Result<(), EngineError> {
        match &self.failed {
            Some(error) => Err(EngineError::Store(error.clone())),
            None if self.closed => Err(EngineError::Stopping),
            None => Ok(()),
        }
    }
}

/// Sends a reply to each of `jobs`, in order.
pub fn answer(
    jobs: impl IntoIterator<Item = Job>,
    mut reply: impl FnMut() -> Result<Reply, EngineError>,
) {
    for job in jobs {
        // The caller may be gone; its command is committed.
        let _ = job.answer.send(reply());
    }
}

/// Logs that the store refuses the data of a single request.
pub fn warn_if_refused(error: &StoreError) {
    if let StoreError::Refused(why) = error {
        tracing::warn!(error = %why, "store refuses the data of a request");
    }
}

/// Refuses the jobs whose deadline has passed, and returns the others.
pub fn drop_late(jobs: Vec<Job>, now: tokio::time::Instant, stats: &Stats) -> Vec<Job> {
    let (jobs, late): (Vec<_>, Vec<_>) =
        jobs.into_iter().partition(|job| job.deadline.is_none_or(|deadline| now < deadline));
    count(&stats.late, late.len());
    for job in late {
        let shared = job.guard.as_ref().is_some_and(KeyGuard::is_shared);
        let _ = job.answer.send(Err(if shared {
            EngineError::KeyInFlight
        } else {
            EngineError::DeadlinePassed
        }));
    }
    jobs
}

/// The statistics of a commit that began at `started` and gave `jobs` these replies.
pub fn stats_of(
    jobs: &[Job],
    replies: &[Reply],
    records: usize,
    started: tokio::time::Instant,
) -> BatchStats {
    let oldest = jobs.iter().map(|job| job.queued_at).min();
    BatchStats {
        commands: jobs.len(),
        records,
        sold_out: crate::stats::sold_out(replies),
        waited: oldest.map_or(Duration::ZERO, |oldest| started.saturating_duration_since(oldest)),
        duration: started.elapsed(),
        traces: jobs.iter().filter_map(|job| job.trace).collect(),
    }
}

#[cfg(test)]
mod tests {
    use inventory::domain::{CommandKind, EventName, HoldId};

    use super::*;

    fn push(queue: &Queue, urgent: bool) -> bool {
        let hold = HoldId::from_bytes([0; 16]);
        let event = EventName::new("e").unwrap();
        let kind = if urgent {
            CommandKind::Release { hold }
        } else {
            CommandKind::PutEvent {
                event,
                capacities: Default::default(),
                settings: Default::default(),
                if_settings_seq: None,
                only_create: false,
                draw: None,
            }
        };
        let job = Job {
            command: Command { id: hold, kind },
            key: None,
            guard: None,
            deadline: None,
            queued_at: tokio::time::Instant::now(),
            trace: None,
            answer: oneshot::channel().0,
        };
        queue.push(job, Origin::Caller).is_ok()
    }

    fn taken(queue: &Queue, most: usize) -> (usize, usize) {
        let jobs = queue.take(most).unwrap();
        let urgent = jobs.iter().take_while(|job| job.command.kind.is_urgent()).count();
        assert!(
            jobs[urgent..].iter().all(|job| !job.command.kind.is_urgent()),
            "urgent ones come first"
        );
        (urgent, jobs.len() - urgent)
    }

    #[test]
    fn neither_kind_of_job_keeps_the_other_out() {
        for urgent in [true, false] {
            let queue = Queue::new(80);
            assert_eq!((0..100).filter(|_| push(&queue, urgent)).count(), 70);
            assert_eq!((0..100).filter(|_| push(&queue, !urgent)).count(), 10);
        }
    }

    #[test]
    fn urgent_jobs_go_first_but_leave_a_quarter() {
        let queue = Queue::new(80);
        for number in 0..60 {
            assert!(push(&queue, number % 3 > 0));
        }
        assert_eq!(taken(&queue, 16), (12, 4));
        assert_eq!(taken(&queue, 36), (27, 9));
        assert_eq!(taken(&queue, 36), (1, 7));
    }
}
