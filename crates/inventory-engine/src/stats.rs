//! Statistics of the committer, for metrics and traces.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use inventory::domain::RefusalKind;
use parking_lot::Mutex;

use crate::{request::Reply, trace_context::TraceContext};

/// One commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchStats {
    /// The number of commands.
    pub commands: usize,
    /// The number of records.
    pub records: usize,
    /// The number of commands refused as sold out.
    pub sold_out: usize,
    /// The queue delay of the oldest command.
    pub waited: Duration,
    /// The time from taking the commands until all replies are ready.
    pub duration: Duration,
    /// The spans of the commands that have one.
    pub traces: Vec<TraceContext>,
}

pub fn sold_out(replies: &[Reply]) -> usize {
    replies.iter().filter(|reply| matches!(&reply.result, Err(refusal) if matches!(refusal.kind, RefusalKind::SoldOut { .. }))).count()
}

type Observer = Box<dyn Fn(&BatchStats) + Send + Sync>;

/// Calls an observer after every commit, and counts.
#[derive(Default)]
pub struct Stats {
    observer: Mutex<Option<Observer>>,
    pub(crate) busy: AtomicU64,
    pub(crate) late: AtomicU64,
    pub(crate) cache_hits: AtomicU64,
    pub(crate) cache_misses: AtomicU64,
    latencies: [AtomicU64; LATENCY_BUCKETS],
}

/// How many buckets latencies are counted in.
pub const LATENCY_BUCKETS: usize = 32;

/// Commands by the time until their decision was durable: bucket n has those below 2^n
/// microseconds, and the last one all others.
pub type Latencies = [u64; LATENCY_BUCKETS];

/// Counters besides commits, since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Requests refused because the queue was full.
    pub busy: u64,
    /// Requests dropped because their deadline had passed.
    pub late: u64,
    /// Reads of a shared store answered from the cache.
    pub cache_hits: u64,
    /// Reads of a shared store that queried the store.
    pub cache_misses: u64,
}

impl Stats {
    /// Calls `observer` after every commit, on the committer's thread.
    pub fn observe(&self, observer: impl Fn(&BatchStats) + Send + Sync + 'static) {
        *self.observer.lock() = Some(Box::new(observer));
    }

    /// The counters.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let read = |count: &AtomicU64| count.load(Relaxed);
        Counts {
            busy: read(&self.busy),
            late: read(&self.late),
            cache_hits: read(&self.cache_hits),
            cache_misses: read(&self.cache_misses),
        }
    }

    /// The latencies of all commands since the start. Those of a batch count as its oldest.
    #[must_use]
    pub fn latencies(&self) -> Latencies {
        std::array::from_fn(|bucket| self.latencies[bucket].load(Relaxed))
    }

    pub(crate) fn record(&self, batch: &BatchStats) {
        let took_us = (batch.waited + batch.duration).as_micros();
        let bucket = (u128::BITS - took_us.leading_zeros()) as usize;
        count(&self.latencies[bucket.min(LATENCY_BUCKETS - 1)], batch.commands);
        if let Some(observer) = &*self.observer.lock() {
            observer(batch);
        }
    }
}

pub fn count(counter: &AtomicU64, more: usize) {
    if more > 0 {
        counter.fetch_add(more as u64, Relaxed);
    }
}
