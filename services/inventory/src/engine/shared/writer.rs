//! A writer: takes a lane, decides what waits in it, commits, answers. There are several, on connections of their own.

use std::sync::Arc;
use std::time::Duration;

use rand::RngExt;
use tokio::time::{Instant, sleep};

use super::Shared;
use super::lanes::{Lanes, Work};
use crate::engine::queue::{Job, answer, drop_late, stats_of};
use crate::engine::views::Learned;
use crate::engine::{EngineError, Parts, Reply, run_batch};
use crate::store::{Durability, Store, StoreError};

/// How often a batch is decided again because another process was in the way.
const TRIES_MAX: u32 = 12;
/// The first pause before that, at most; it doubles.
const PAUSE_MS: u64 = 2;
const PAUSE_MAX_MS: u64 = 200;

pub(super) struct Writer<S> {
    store: S,
    shared: Arc<Shared>,
    parts: Parts,
}

impl<S: Store> Writer<S> {
    pub fn new(store: S, shared: Arc<Shared>, parts: Parts) -> Self {
        Self { store, shared, parts }
    }

    /// Serves until the lanes are closed and empty, or the store is damaged.
    pub async fn run(mut self) {
        let guard = PanicGuard(self.shared.clone());
        while let Some(Work { lane, jobs }) = self.lanes().take(self.parts.limits.batch_max).await {
            let served = self.batch(jobs).await;
            self.lanes().done(lane);
            if let Err(error) = served {
                tracing::error!(%error, "the store failed: stopping");
                self.lanes().fail(&error);
            }
        }
        let Self { store, shared, .. } = self;
        drop(store);
        shared.lanes.writer_ended();
        drop(guard);
    }

    fn lanes(&self) -> &Lanes {
        &self.shared.lanes
    }

    /// An error is one that ends the engine.
    async fn batch(&mut self, mut jobs: Vec<Job>) -> Result<(), StoreError> {
        let mut tries = 0;
        loop {
            let started = Instant::now();
            jobs = drop_late(jobs, started, &self.parts.stats);
            if jobs.is_empty() {
                return Ok(());
            }
            match self.commit(&jobs).await {
                Ok((replies, records)) => {
                    self.parts.stats.record(&stats_of(&jobs, &replies, records, started));
                    let mut replies = replies.into_iter();
                    answer(jobs, || replies.next().ok_or(EngineError::Stopping));
                    return Ok(());
                }
                Err(error @ StoreError::Conflict(_)) if tries < TRIES_MAX => {
                    tracing::debug!(%error, tries, "deciding again");
                    let most_ms = (PAUSE_MS << tries).min(PAUSE_MAX_MS);
                    tries += 1;
                    let pause_ms = rand::rng().random_range(0..=most_ms);
                    sleep(Duration::from_millis(pause_ms)).await;
                }
                Err(error) => {
                    answer(jobs, || Err(EngineError::Store(error.clone())));
                    return if error.is_fatal() { Err(error) } else { Ok(()) };
                }
            }
        }
    }

    async fn commit(&mut self, jobs: &[Job]) -> Result<(Vec<Reply>, usize), StoreError> {
        let asked_us = self.shared.now_us();
        let commands = jobs.iter().map(|job| (&job.command, job.key.as_ref()));
        let now_ms = self.parts.env.now_ms();
        let done = run_batch(&mut self.store, &self.parts.limits, commands, Vec::new(), now_ms, Durability::Synced).await?;
        // Readers see it before the writers hear of it: who was answered finds his own write.
        self.parts.views.publish_learned(done.views, Learned { asked_us, answered_us: self.shared.now_us() });
        Ok((done.replies, done.records))
    }
}

/// A broken invariant ends a writer by a panic. Then nobody may wait for it any longer, and the process has to end.
struct PanicGuard(Arc<Shared>);

impl Drop for PanicGuard {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.lanes.fail(&StoreError::Failed("a writer panicked".into()));
        }
    }
}
