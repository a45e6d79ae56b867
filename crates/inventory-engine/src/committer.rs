//! The committer: the only task that decides and writes.
//!
//! Requests that arrive during a commit form the next batch; no timer delays a request. No reply is
//! sent until the write that contains its decision is durable.

use std::{sync::Arc, time::Duration};

use inventory::domain::{EventName, Limits};
use inventory_store::{Durability, OwnedStore, StoreError, run_batch};
use tokio::time::{Instant, timeout};

use crate::{
    environment::Environment,
    parts::Parts,
    queue::{Job, Queue, answer, drop_late, stats_of, warn_if_refused},
    reply_dispatcher::ReplyDispatcher,
    request::{EngineError, Reply},
    stats::Stats,
    views::Views,
};

/// The clock may jump, so no sleep until an expiry is longer than this.
const EXPIRY_NAP_MAX: Duration = Duration::from_secs(1);

/// The pause before expiries that could not be written are tried again; a request ends it.
const RETRY_AFTER: Duration = Duration::from_millis(100);

/// Owns the store and serves the queue until it is closed or the store fails.
pub struct Committer<S> {
    store: S,
    queue: Arc<Queue>,
    views: Arc<Views>,
    env: Environment,
    limits: Arc<Limits>,
    stats: Arc<Stats>,
    reply_dispatcher: ReplyDispatcher,
}

impl<S: OwnedStore> Committer<S> {
    pub(crate) fn new(
        store: S,
        queue: Arc<Queue>,
        parts: &Parts,
        reply_dispatcher: ReplyDispatcher,
    ) -> Self {
        let Parts { views, env, limits, stats, .. } = parts.clone();
        Self { store, queue, views, env, limits, stats, reply_dispatcher }
    }

    /// Serves until the queue is closed and empty, or the store has failed for good.
    pub async fn run(mut self) {
        let guard = PanicGuard(self.queue.clone());
        while let Some(jobs) = self.queue.take(self.limits.batch_max) {
            let (due, next_ms) = self.store.due_events(self.env.now_ms());
            if jobs.is_empty() && due.is_empty() {
                self.rest(next_ms).await;
                continue;
            }
            if let Err(error) = self.batch(jobs, due).await {
                tracing::error!(%error, "store failed; stopping. Recovery at the next start determines which writes took effect");
                self.queue.fail(&error);
                return;
            }
        }
        let Self { store, queue, .. } = self;
        // Closes the store before signalling the end, so that the waiting task can open it again.
        drop(store);
        queue.end.stop();
        drop(guard);
    }

    /// Waits for a job or the next expiry: writing expiries early keeps later batches small.
    async fn rest(&self, next_expiry_ms: Option<u64>) {
        match next_expiry_ms {
            None => self.queue.arrival().await,
            Some(at_ms) => {
                let nap = Duration::from_millis(at_ms.saturating_sub(self.env.now_ms()).max(1))
                    .min(EXPIRY_NAP_MAX);
                let _ = timeout(nap, self.queue.arrival()).await;
            }
        }
    }

    /// Decides, commits, publishes and responds. A batch whose data the store refuses is split, so
    /// that only the command with those data fails. An error ends the engine.
    async fn batch(&mut self, jobs: Vec<Job>, due: Vec<EventName>) -> Result<(), StoreError> {
        let mut parts = Vec::new();
        let mut next = Some(jobs);
        while let Some(jobs) = next {
            let started = Instant::now();
            let mut jobs = drop_late(jobs, started, &self.stats);
            match self.commit(&jobs, due.clone()).await {
                Ok((replies, records)) => {
                    self.stats.record(&stats_of(&jobs, &replies, records, started));
                    self.reply_dispatcher.send(
                        jobs.into_iter()
                            .zip(replies)
                            .map(|(job, reply)| (job.answer, Ok(reply)))
                            .collect(),
                    );
                }
                Err(StoreError::Refused(_)) if jobs.len() > 1 => {
                    parts.push(jobs.split_off(jobs.len() / 2));
                    parts.push(jobs);
                }
                Err(error) => {
                    warn_if_refused(&error);
                    if jobs.is_empty() && !error.is_fatal() {
                        // Expiries that cannot be written stay due.
                        let _ = timeout(RETRY_AFTER, self.queue.arrival()).await;
                    }
                    answer(jobs, || Err(EngineError::Store(error.clone())));
                    if error.is_fatal() {
                        let left = parts.into_iter().rev().flatten();
                        answer(left, || Err(EngineError::Store(error.clone())));
                        return Err(error);
                    }
                }
            }
            next = parts.pop();
        }
        Ok(())
    }

    async fn commit(
        &mut self,
        jobs: &[Job],
        due: Vec<EventName>,
    ) -> Result<(Vec<Reply>, usize), StoreError> {
        let commands = jobs.iter().map(|job| (&job.command, job.key.as_ref()));
        let done = run_batch(
            &mut self.store,
            &self.limits,
            commands,
            due,
            self.env.now_ms(),
            Durability::Synced,
        )
        .await?;
        // Views are published before replies are sent, so that a caller reads its own write.
        self.views.publish(done.views);
        Ok((done.replies, done.records))
    }
}

/// A broken invariant panics the committer. Then all waiting requests fail, and the process ends.
struct PanicGuard(Arc<Queue>);

impl Drop for PanicGuard {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.fail(&StoreError::Failed("the committer panicked".into()));
        }
    }
}
