//! A bounded cache of the events of holds, which never change.

use std::collections::HashMap;

use inventory::domain::{EventName, HoldId};
use parking_lot::Mutex;

/// The most entries in each of two generations.
const LEN_MAX: usize = 32_768;

#[derive(Default)]
struct Generations {
    young: HashMap<HoldId, EventName>,
    old: HashMap<HoldId, EventName>,
}

/// Holds and their events. An entry that is not read while `LEN_MAX` others are inserted is
/// evicted.
#[derive(Default)]
pub struct KnownHolds(Mutex<Generations>);

impl KnownHolds {
    pub fn get(&self, id: HoldId) -> Option<EventName> {
        let mut known = self.0.lock();
        if let Some(event) = known.young.get(&id) {
            return Some(event.clone());
        }
        let event = known.old.remove(&id)?;
        known.insert(id, event.clone());
        Some(event)
    }

    pub fn insert(&self, id: HoldId, event: EventName) {
        self.0.lock().insert(id, event);
    }
}

impl Generations {
    fn insert(&mut self, id: HoldId, event: EventName) {
        if self.young.len() >= LEN_MAX {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(id, event);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cache_is_bounded_and_keeps_recent_lookups() {
        let known = KnownHolds::default();
        let id = |number: usize| HoldId::new(number as u64, [0; 10]);
        let event = EventName::new("e").unwrap();
        for number in 0..5 * LEN_MAX {
            known.insert(id(number), event.clone());
            if number % 1_000 == 0 {
                assert!(known.get(id(0)).is_some(), "asked for all the time");
            }
        }
        assert!(known.get(id(1)).is_none());
        let known = known.0.into_inner();
        assert!(known.young.len() + known.old.len() <= 2 * LEN_MAX);
    }
}
