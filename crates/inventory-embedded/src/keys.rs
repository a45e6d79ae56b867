//! Deletes idempotency keys, the oldest first: those that have expired, and those beyond the bound.
//!
//! Table `key_order` has the keys in the order in which they expire, and `meta` the number of its
//! rows.

use std::collections::VecDeque;

use fjall::OwnedWriteBatch;
use inventory::{
    domain::{IdempotencyKey, KeyUse, TimeMs},
    ledger::Record,
    map::HashMap,
};
use inventory_store::{StoreError, StoredKey};

use crate::{
    errors::failed,
    rows::{decode, encode, order_key, parse_order_key},
    tables::Tables,
};

/// The oldest keys read ahead at once.
const READ_AHEAD: usize = 512;
/// The row of table `meta` with the number of keys.
const LEN: &str = "keys_len";

/// The keys of one batch, each with the record of its effect.
pub type Added<'a> = HashMap<&'a IdempotencyKey, (&'a KeyUse, &'a Record)>;

/// What happens to a key that is stored already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyConflict {
    /// The added use replaces it.
    Replace,
    /// The use that expires last stays. Ledgers are replayed one after the other, so the older of
    /// two uses of a key may come last.
    KeepNewest,
}

/// The keys in the order in which they expire.
pub struct KeyOrder {
    oldest: VecDeque<(TimeMs, IdempotencyKey)>,
    /// The row of `key_order` at which the next read starts.
    from: Vec<u8>,
    len: u64,
    len_max: u64,
}

impl KeyOrder {
    pub fn read(tables: &Tables, len_max: u64) -> Result<Self, StoreError> {
        let len = tables
            .meta
            .get(LEN)
            .map_err(failed)?
            .map(|row| decode("meta", &row))
            .transpose()?
            .unwrap_or(0);
        Ok(Self { oldest: VecDeque::new(), from: Vec::new(), len, len_max })
    }

    /// Adds the keys of a batch, and deletes keys that have expired or exceed the bound. It deletes
    /// at most two keys for each one added, so a lowered bound is reached step by step.
    pub fn update(
        &mut self,
        tables: &Tables,
        batch: &mut OwnedWriteBatch,
        mut added: Added<'_>,
        now_ms: TimeMs,
        conflict: KeyConflict,
    ) -> Result<(), StoreError> {
        if added.is_empty() {
            return Ok(());
        }
        if conflict == KeyConflict::KeepNewest {
            let mut known = Vec::new();
            for (key, (used, _)) in &added {
                if current(tables, key)?.is_some_and(|row| row.expires_at_ms >= used.expires_at_ms)
                {
                    known.push((*key).clone());
                }
            }
            added.retain(|key, _| !known.contains(key));
        }
        for (key, (used, record)) in &added {
            let row = StoredKey {
                fingerprint: used.fingerprint,
                event: record.event.clone(),
                seq: record.seq,
                expires_at_ms: used.expires_at_ms,
            };
            batch.insert(&tables.keys, key.as_str(), encode(&row)?);
            batch.insert(&tables.key_order, order_key(used.expires_at_ms, key), []);
        }
        self.len += added.len() as u64;
        self.forget(tables, batch, now_ms, &added)?;
        batch.insert(&tables.meta, LEN, encode(&self.len)?);
        Ok(())
    }

    fn forget(
        &mut self,
        tables: &Tables,
        batch: &mut OwnedWriteBatch,
        now_ms: TimeMs,
        added: &Added<'_>,
    ) -> Result<(), StoreError> {
        for _ in 0..added.len() * 2 {
            if self.oldest.is_empty() {
                self.read_ahead(tables)?;
            }
            let Some((expires_at_ms, key)) = self.oldest.front() else { return Ok(()) };
            if *expires_at_ms > now_ms && self.len <= self.len_max {
                return Ok(());
            }
            batch.remove(&tables.key_order, order_key(*expires_at_ms, key));
            // A key that was used again after it expired has a later row, and stays.
            let same = current(tables, key)?.is_some_and(|row| row.expires_at_ms == *expires_at_ms);
            if same && !added.contains_key(key) {
                batch.remove(&tables.keys, key.as_str());
            }
            self.len = self.len.saturating_sub(1);
            self.oldest.pop_front();
        }
        Ok(())
    }

    fn read_ahead(&mut self, tables: &Tables) -> Result<(), StoreError> {
        for row in tables.key_order.range(self.from.clone()..).take(READ_AHEAD) {
            let row = row.key().map_err(failed)?;
            let entry = parse_order_key(&row)
                .ok_or_else(|| StoreError::Damaged("a key of key_order".into()))?;
            self.oldest.push_back(entry);
            // The next read starts after this row.
            self.from = [&row[..], &[0]].concat();
        }
        Ok(())
    }
}

fn current(tables: &Tables, key: &IdempotencyKey) -> Result<Option<StoredKey>, StoreError> {
    tables.keys.get(key.as_str()).map_err(failed)?.map(|row| decode("keys", &row)).transpose()
}
