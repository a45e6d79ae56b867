//! Appending a record to its ledger: a new one that a rule decided, or one that is replayed.

use std::sync::Arc;

use super::{
    apply::apply,
    apply_error::ApplyError,
    working_set::{KeySlot, WorkingSet},
};
use crate::{
    domain::{EventName, Hash, KeyUse, TimeMs},
    ledger::{Change, Record},
};

impl WorkingSet {
    /// Writes `change` down: makes its record and applies it.
    pub(super) fn append(
        &mut self,
        name: &EventName,
        change: Change,
        key: Option<KeyUse>,
        now_ms: TimeMs,
    ) -> Arc<Record> {
        let (seq, prev, at_ms) = match self.events.get(name) {
            Some(event) => (event.seq + 1, event.head, event.ledger_time(now_ms)),
            None => (1, Hash::ZERO, now_ms),
        };
        let mut record =
            Record { event: name.clone(), seq, prev, at_ms, change, left: Vec::new(), key };
        match apply(self, &record) {
            Ok(left) => record.left = left,
            Err(error) => panic!("a rule decided what cannot be applied: {error}"),
        }
        self.push(record)
    }

    /// Takes over a record that [`apply`] accepted: chains it, and keeps its key.
    fn push(&mut self, record: Record) -> Arc<Record> {
        let body = record.to_body();
        if let Some(event) = self.events.get_mut(&record.event) {
            event.head = Hash::of(&body);
        }
        let record = Arc::new(record);
        if let Some(key) = &record.key {
            let slot = KeySlot {
                fingerprint: key.fingerprint,
                expires_at_ms: key.expires_at_ms,
                record: record.clone(),
            };
            self.keys.insert(key.key.clone(), slot);
        }
        self.records.push((record.clone(), body));
        record
    }

    /// Takes over a record of another ledger, after checking that it is this ledger's next.
    ///
    /// # Errors
    /// [`ApplyError`] when it does not follow from the state.
    pub fn replay(&mut self, record: Record) -> Result<(), ApplyError> {
        self.replaying = true;
        let (seq, prev, at_ms) = self
            .events
            .get(&record.event)
            .map_or((0, Hash::ZERO, 0), |event| (event.seq, event.head, event.at_ms));
        if record.seq != seq + 1 {
            return Err(ApplyError::Gap { expected: seq + 1, found: record.seq });
        }
        if record.prev != prev {
            return Err(ApplyError::BrokenChain);
        }
        if record.at_ms < at_ms {
            return Err(ApplyError::TimeWentBack);
        }
        let left = apply(self, &record)?;
        if left != record.left {
            return Err(ApplyError::Balance);
        }
        self.push(record);
        Ok(())
    }
}
