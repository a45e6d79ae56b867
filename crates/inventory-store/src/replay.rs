//! Applying ledgers to a store, batch by batch.

use inventory::{
    decide::{ApplyError, ReadSet},
    domain::EventName,
    ledger::{BodyError, Record},
};
use thiserror::Error;

use crate::{
    error::StoreError,
    store::{Durability, Store},
};

/// Records applied with one commit.
const BATCH: usize = 2_000;
/// Places of waiting rooms that join with one commit, besides those of its last record.
const PLACES: usize = 10_000;

/// Why a record could not be applied.
#[derive(Debug, Error)]
pub enum ReplayError {
    /// The bytes are not a record.
    #[error("record {number}: {reason}")]
    Body {
        /// The number of the record, counted from 1 over all events.
        number: u64,
        /// The reason.
        reason: BodyError,
    },
    /// The record does not follow from those before it.
    #[error("event '{event}', seq {seq}: {reason}")]
    Record {
        /// Its event.
        event: EventName,
        /// Its `seq`.
        seq: u64,
        /// The reason.
        reason: ApplyError,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Takes record bodies in order and applies them to a store.
pub struct Replayer<S> {
    store: S,
    waiting: Vec<Record>,
    /// Places that join with them.
    places: usize,
    count: u64,
}

impl<S: Store> Replayer<S> {
    /// Replays into `store`, which must contain no later record of these events.
    pub fn new(store: S) -> Self {
        Self { store, waiting: Vec::with_capacity(BATCH), places: 0, count: 0 }
    }

    /// Takes the next record.
    ///
    /// # Errors
    /// [`ReplayError`] with the position of the record at fault.
    pub async fn push(&mut self, body: &[u8]) -> Result<(), ReplayError> {
        self.count += 1;
        let record = Record::from_body(body)
            .map_err(|reason| ReplayError::Body { number: self.count, reason })?;
        self.places += record.change.leaves().len();
        self.waiting.push(record);
        if self.waiting.len() < BATCH && self.places < PLACES {
            return Ok(());
        }
        self.flush(Durability::Buffered).await
    }

    /// Applies the pending records, makes all of them durable, and returns the store and the number
    /// of records.
    ///
    /// # Errors
    /// [`ReplayError`].
    pub async fn finish(mut self) -> Result<(S, u64), ReplayError> {
        self.flush(Durability::Synced).await?;
        Ok((self.store, self.count))
    }

    /// The number of records taken so far.
    pub fn count(&self) -> u64 {
        self.count
    }

    async fn flush(&mut self, durability: Durability) -> Result<(), ReplayError> {
        self.places = 0;
        let mut reads = ReadSet::default();
        for record in &self.waiting {
            reads.add_record(record);
        }
        let mut set = self.store.load(&reads, 0).await?;
        for record in self.waiting.drain(..) {
            let (event, seq) = (record.event.clone(), record.seq);
            set.replay(record).map_err(|reason| ReplayError::Record { event, seq, reason })?;
        }
        self.store.commit(set, durability).await?;
        Ok(())
    }
}

/// Runs a future that waits only for the disk, as those of an embedded store do, without a runtime.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    loop {
        if let std::task::Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
    }
}
