//! The index of holds and reservations by customer and payment.
//!
//! Table `lookup` has a row of 33 bytes for each customer and each payment of a hold, and no row
//! ever changes: a hold gets its customer when it is made, a payment when it is started, confirms
//! the hold or comes too late, and keeps them all. So the committer adds rows and reads none, and a
//! look-up reads one range. The alternative, a scan of all holds with a cursor, needs no table but
//! reads ten million holds to answer one question.
//!
//! `meta` has the number of ledger records that the index covers. It differs from the number of
//! records when a version without the index wrote the store, now or after a version with it. Then
//! `LookupBuilder` completes the index while sales go on, and look-ups are refused until it has.

use std::sync::atomic::{AtomicBool, Ordering};

use fjall::OwnedWriteBatch;
use inventory::ledger::Record;
use inventory_store::StoreError;

use crate::{
    rows::{encode, lookup_key, lookup_prefix},
    tables::{INDEXED_RECORDS, Tables},
};

/// Whether the index can be read.
pub struct LookupIndex {
    complete: AtomicBool,
}

impl LookupIndex {
    /// The index of a store with `records` records.
    pub fn read(tables: &Tables, records: u64) -> Result<Self, StoreError> {
        Ok(Self { complete: AtomicBool::new(tables.indexed_records()? == records) })
    }

    pub fn is_complete(&self) -> bool {
        self.complete.load(Ordering::Acquire)
    }

    /// From now on it can be read, and the committer counts its records. The caller has the turn to
    /// write.
    pub fn set_complete(&self) {
        self.complete.store(true, Ordering::Release);
    }

    /// Adds the number of records to a batch of the committer, who has the turn to write.
    pub fn mark(
        &self,
        tables: &Tables,
        batch: &mut OwnedWriteBatch,
        records: u64,
    ) -> Result<(), StoreError> {
        if self.is_complete() {
            batch.insert(&tables.meta, INDEXED_RECORDS, encode(&records)?);
        }
        Ok(())
    }
}

/// Adds the row of a record.
pub fn insert(tables: &Tables, batch: &mut OwnedWriteBatch, record: &Record) {
    if let (Some(key), Some(id)) = (record.change.lookup_key(), record.change.hold()) {
        batch.insert(&tables.lookup, lookup_key(&lookup_prefix(key), id), []);
    }
}
