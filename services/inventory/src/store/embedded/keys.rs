//! Forgetting idempotency keys: the oldest first, when their time is over or there are too many.
//!
//! Every key gets the next number when it is used, and goes in that order; so how many there are is a subtraction.

use std::collections::{HashSet, VecDeque};

use fjall::OwnedWriteBatch;

use super::StoreError;
use super::rows::{KeyRow, OrderRow, decode, encode};
use super::tables::Tables;
use crate::domain::{IdempotencyKey, KeyUse, TimeMs};
use crate::ledger::Record;

/// How many of the oldest keys are read ahead.
const READ_AHEAD: usize = 512;

pub struct KeyOrder {
    oldest: VecDeque<(u64, OrderRow)>,
    /// The number of the oldest key that is kept.
    first: u64,
    /// The number that the next key gets.
    next: u64,
    keys_max: u64,
}

impl KeyOrder {
    pub fn read(tables: &Tables, keys_max: u64) -> Result<Self, StoreError> {
        let number = |row: Option<fjall::Guard>| row.map(|row| parse_number(&row.key()?)).transpose();
        let first = number(tables.key_order.first_key_value())?;
        let last = number(tables.key_order.last_key_value())?;
        let next = last.map_or(0, |last| last + 1);
        Ok(Self { oldest: VecDeque::new(), first: first.unwrap_or(next), next, keys_max })
    }

    /// Adds the key of `record` to `batch`.
    pub fn add(&mut self, tables: &Tables, batch: &mut OwnedWriteBatch, record: &Record, key: &KeyUse) -> Result<(), StoreError> {
        let number = self.next;
        self.next += 1;
        let row =
            KeyRow { fingerprint: key.fingerprint, event: record.event.clone(), seq: record.seq, expires_at_ms: key.expires_at_ms, number };
        batch.insert(&tables.keys, key.key.as_str(), encode(&row)?);
        let row = OrderRow { key: key.key.clone(), expires_at_ms: key.expires_at_ms };
        batch.insert(&tables.key_order, number.to_be_bytes(), encode(&row)?);
        Ok(())
    }

    /// Lets keys go that are out of time or too many. `added` came with this batch: twice as many go, so that a lowered bound
    /// is reached in time.
    pub fn forget(
        &mut self,
        tables: &Tables,
        batch: &mut OwnedWriteBatch,
        now_ms: TimeMs,
        added: &HashSet<&IdempotencyKey>,
    ) -> Result<(), StoreError> {
        for _ in 0..added.len() * 2 {
            if self.oldest.is_empty() {
                self.read_ahead(tables)?;
            }
            let Some((number, row)) = self.oldest.front() else { return Ok(()) };
            let too_many = self.next - self.first > self.keys_max;
            if row.expires_at_ms > now_ms && !too_many {
                return Ok(());
            }
            batch.remove(&tables.key_order, number.to_be_bytes());
            // A key that was used again after its time has a younger number by now, and stays.
            let current = tables.keys.get(row.key.as_str())?.map(|row| decode::<KeyRow>("keys", &row)).transpose()?;
            if current.is_some_and(|current| current.number == *number) && !added.contains(&row.key) {
                batch.remove(&tables.keys, row.key.as_str());
            }
            self.first = number + 1;
            self.oldest.pop_front();
        }
        Ok(())
    }

    fn read_ahead(&mut self, tables: &Tables) -> Result<(), StoreError> {
        for row in tables.key_order.range(self.first.to_be_bytes()..).take(READ_AHEAD) {
            let (key, value) = row.into_inner()?;
            self.oldest.push_back((parse_number(&key)?, decode("key_order", &value)?));
        }
        Ok(())
    }
}

fn parse_number(key: &[u8]) -> Result<u64, StoreError> {
    key.try_into().map(u64::from_be_bytes).map_err(|_| StoreError::Damaged("a key of key_order".into()))
}
