//! The records of all ledgers by place, key and hold.

use std::collections::HashMap;

use inventory::{EventName, HoldId, IdempotencyKey, ledger::Record};

use crate::history::Ask;

/// The lookups of the checks.
pub(crate) struct Index {
    pub records: HashMap<(EventName, u64), Record>,
    pub by_key: HashMap<IdempotencyKey, (EventName, u64)>,
    pub event_of_hold: HashMap<HoldId, EventName>,
}

impl Index {
    /// The event of a request, when the ledgers know it.
    pub fn event_of(&self, ask: &Ask) -> Option<EventName> {
        match ask {
            Ask::Read { event } => Some(event.clone()),
            Ask::Write { kind, .. } => {
                kind.event().cloned().or_else(|| self.event_of_hold.get(&kind.hold()?).cloned())
            }
        }
    }
}
