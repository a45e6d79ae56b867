//! A writer takes the commands of an event, loads their read set, adds commands that arrived
//! meanwhile, decides, commits and responds. Each writer has its own connection.

use std::{sync::Arc, time::Duration};

use backon::{BackoffBuilder, ExponentialBuilder};
use inventory::decide::{ReadSet, WorkingSet};
use inventory_store::{Durability, SharedStore, StoreError, finish, load};
use rand::RngExt;
use tokio::time::{Instant, sleep};

use super::{
    keyed_queue::{EventKey, KeyedQueue, Work},
    state::Shared,
};
use crate::{
    parts::Parts,
    queue::{Job, answer, drop_late, stats_of, warn_if_refused},
    request::{EngineError, Reply},
    views::ReadTimes,
};

/// Retries of a batch after conflicts with other processes.
const RETRIES_MAX: usize = 12;
/// The longest pause before the first retry; it doubles with each further one.
const PAUSE_FIRST_MAX: Duration = Duration::from_millis(2);
const PAUSE_MAX: Duration = Duration::from_millis(200);
/// Jobs that arrive during the load join the batch when they are at least 1/`JOIN_SHARE` of it:
/// they may cost another round trip.
const JOIN_SHARE: usize = 4;

/// Whether jobs that arrive during the load may join the batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Joining {
    Allowed,
    /// The batch was split: jobs that join would overtake its other parts, and would fail with a
    /// part that is refused.
    Closed,
}

pub struct Writer<S> {
    store: S,
    shared: Arc<Shared>,
    parts: Parts,
}

impl<S: SharedStore> Writer<S> {
    pub fn new(store: S, shared: Arc<Shared>, parts: Parts) -> Self {
        Self { store, shared, parts }
    }

    /// Serves until the queue is closed and empty, or the store is damaged.
    pub async fn run(mut self) {
        let guard = PanicGuard(self.shared.clone());
        while let Some(Work { event_key, jobs }) =
            self.queue().take(self.parts.limits.batch_max).await
        {
            let served = self.batch(&event_key, jobs).await;
            self.queue().done(event_key);
            if let Err(error) = served {
                tracing::error!(%error, "store failed; stopping");
                self.queue().fail(&error);
            }
        }
        let Self { store, shared, .. } = self;
        drop(store);
        shared.queue.writer_ended();
        drop(guard);
    }

    fn queue(&self) -> &KeyedQueue {
        &self.shared.queue
    }

    /// Commits a batch. One whose data the store refuses is split, so that only the command with
    /// those data fails. An error ends the engine.
    async fn batch(&mut self, event_key: &EventKey, jobs: Vec<Job>) -> Result<(), StoreError> {
        let (mut parts, mut joining) = (vec![jobs], Joining::Allowed);
        while let Some(jobs) = parts.pop() {
            match self.part(event_key, jobs, joining).await {
                Ok(None) => {}
                Ok(Some(refused)) => {
                    parts.extend(refused);
                    joining = Joining::Closed;
                }
                Err(error) => {
                    let left = parts.into_iter().rev().flatten();
                    answer(left, || Err(EngineError::Store(error.clone())));
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    /// Commits `jobs`, or returns them in two parts, the second first, because the store refuses
    /// the data of some.
    async fn part(
        &mut self,
        event_key: &EventKey,
        mut jobs: Vec<Job>,
        joining: Joining,
    ) -> Result<Option<[Vec<Job>; 2]>, StoreError> {
        let mut pauses = ExponentialBuilder::new()
            .with_min_delay(PAUSE_FIRST_MAX)
            .with_max_delay(PAUSE_MAX)
            .with_max_times(RETRIES_MAX)
            .build();
        loop {
            let started = Instant::now();
            jobs = drop_late(jobs, started, &self.parts.stats);
            if jobs.is_empty() {
                return Ok(None);
            }
            match self.commit(event_key, &mut jobs, joining).await {
                Ok((replies, records)) => {
                    self.parts.stats.record(&stats_of(&jobs, &replies, records, started));
                    let mut replies = replies.into_iter();
                    answer(jobs, || replies.next().ok_or(EngineError::Stopping));
                    return Ok(None);
                }
                Err(StoreError::Refused(_)) if jobs.len() > 1 => {
                    let second = jobs.split_off(jobs.len() / 2);
                    return Ok(Some([second, jobs]));
                }
                Err(error) => {
                    warn_if_refused(&error);
                    let is_conflict = matches!(error, StoreError::Conflict(_));
                    let Some(pause_max) = pauses.next().filter(|_| is_conflict) else {
                        answer(jobs, || Err(EngineError::Store(error.clone())));
                        return if error.is_fatal() { Err(error) } else { Ok(None) };
                    };
                    tracing::debug!(%error, "conflict, retrying batch");
                    // Full jitter, which backon does not have: the other process retries too.
                    let pause = pause_max.mul_f64(rand::rng().random_range(0.0..=1.0));
                    sleep(pause).await;
                }
            }
        }
    }

    async fn commit(
        &mut self,
        event_key: &EventKey,
        jobs: &mut Vec<Job>,
        joining: Joining,
    ) -> Result<(Vec<Reply>, usize), StoreError> {
        let asked_us = self.shared.now_us();
        let reads = read_set_of(jobs);
        let mut loaded =
            load(&mut self.store, &reads, self.parts.env.now_ms(), Durability::Synced).await?;
        if joining == Joining::Allowed {
            self.join(event_key, jobs, &reads, &mut loaded.set).await?;
        }
        let commands = jobs.iter().map(|job| (&job.command, job.key.as_ref()));
        let done =
            finish(&mut self.store, &self.parts.limits, commands, loaded, Durability::Synced)
                .await?;
        // Views are published before replies are sent, so that a caller reads its own write.
        self.parts
            .views
            .publish_read(done.views, ReadTimes { asked_us, answered_us: self.shared.now_us() });
        Ok((done.replies, done.records))
    }

    /// Adds jobs that arrived while the event was locked by another process, which may have been as
    /// long as several batches.
    async fn join(
        &mut self,
        event_key: &EventKey,
        jobs: &mut Vec<Job>,
        reads: &ReadSet,
        set: &mut WorkingSet,
    ) -> Result<(), StoreError> {
        // A batch that creates its event has no lock yet.
        if !event_key.as_ref().is_some_and(|event| set.events.contains_key(event)) {
            return Ok(());
        }
        let room = self.parts.limits.batch_max.saturating_sub(jobs.len());
        let joining = self.queue().more(event_key, room, jobs.len().div_ceil(JOIN_SHARE));
        let joining = drop_late(joining, Instant::now(), &self.parts.stats);
        let more = read_set_of(&joining);
        // They get their replies with the batch, also when it fails.
        jobs.extend(joining);
        let totals = more.totals && !reads.totals;
        // The events are locked and loaded; every other member must be here.
        let ReadSet { events: _, holds, customers, keys, places, totals: _ } = &more;
        let is_loaded =
            holds.is_empty() && customers.is_empty() && keys.is_empty() && places.is_empty();
        if totals || !is_loaded {
            self.store.load_more(set, &ReadSet { totals, ..more }).await?;
        }
        Ok(())
    }
}

fn read_set_of(jobs: &[Job]) -> ReadSet {
    ReadSet::of(jobs.iter().map(|job| (&job.command, job.key.as_ref())))
}

/// A broken invariant panics the writer. Then all waiting requests fail, and the process ends.
struct PanicGuard(Arc<Shared>);

impl Drop for PanicGuard {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.queue.fail(&StoreError::Failed("a writer panicked".into()));
        }
    }
}
