//! Checks that each key has one effect.

use inventory::{
    domain::{EventName, Fingerprint, IdempotencyKey, TimeMs},
    ledger::Record,
};
use inventory_store::StoredKey;
use serde::{Deserialize, Serialize};

use super::{
    error::VerifyError,
    spill::Spill,
    violation::{Position, Violation, ViolationKind},
};

/// One effect of a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Effect {
    pub event: EventName,
    pub seq: u64,
    pub fingerprint: Fingerprint,
    pub at_ms: TimeMs,
    pub expires_at_ms: TimeMs,
}

impl Effect {
    /// Whether a stored key points to it.
    pub fn is_at(&self, row: &StoredKey) -> bool {
        (&self.event, self.seq, self.fingerprint, self.expires_at_ms)
            == (&row.event, row.seq, row.fingerprint, row.expires_at_ms)
    }
}

/// Every key with its effects. A second effect is valid only after the first one's expiry.
pub(super) struct Keys {
    effects: Spill<Vec<Effect>>,
    pub keyed: u64,
    pub early: u64,
    first_early: Option<Violation>,
}

impl Keys {
    pub fn new(effects: Spill<Vec<Effect>>) -> Self {
        Self { effects, keyed: 0, early: 0, first_early: None }
    }

    pub fn push(&mut self, record: &Record) -> Result<(), VerifyError> {
        let Some(used) = &record.key else { return Ok(()) };
        self.keyed += 1;
        let effect = Effect {
            event: record.event.clone(),
            seq: record.seq,
            fingerprint: used.fingerprint,
            at_ms: record.at_ms,
            expires_at_ms: used.expires_at_ms,
        };
        let mut effects = self.of(&used.key)?;
        // Ledgers are read one after the other, so of two effects either may be the older one.
        let clash = effects
            .iter()
            .find(|other| effect.at_ms < other.expires_at_ms && other.at_ms < effect.expires_at_ms);
        if let Some(other) = clash {
            self.early += 1;
            self.first_early.get_or_insert_with(|| Violation {
                at: Position::Record { event: effect.event.clone(), seq: effect.seq },
                kind: ViolationKind::KeyTwice {
                    key: used.key.clone(),
                    event: other.event.clone(),
                    seq: other.seq,
                },
            });
        }
        effects.push(effect);
        self.effects.insert(used.key.as_str().as_bytes().to_vec(), effects)
    }

    /// The effects of `key`, in the order in which they were read.
    pub fn of(&self, key: &IdempotencyKey) -> Result<Vec<Effect>, VerifyError> {
        Ok(self.effects.get(key.as_str().as_bytes())?.unwrap_or_default())
    }

    /// A key that was reused before its expiry is a violation, unless the number of keys exceeded
    /// the bound and it may have been deleted.
    pub fn check(&self, keys_max: u64) -> Result<(), VerifyError> {
        match &self.first_early {
            Some(violation) if self.keyed <= keys_max => Err(violation.clone().into()),
            _ => Ok(()),
        }
    }
}
