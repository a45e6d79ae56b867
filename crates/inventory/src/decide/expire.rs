//! Writes expiries that are due.

use super::working_set::WorkingSet;
use crate::{
    domain::{HoldState, TimeMs},
    ledger::Change,
};

/// Records the expiry of every loaded due hold, oldest first, so that the commands after it find
/// its items available.
pub fn expire_due(set: &mut WorkingSet, now_ms: TimeMs) {
    let mut due = std::mem::take(&mut set.due);
    due.sort_by_key(|id| set.holds.get(id).map(|slot| (slot.hold.expires_at_ms, *id)));
    for id in due {
        let Some(hold) = set.holds.get(&id).map(|slot| &slot.hold) else { continue };
        let Some(event) = set.events.get(&hold.event) else { continue };
        if hold.state == HoldState::Held && hold.expires_at_ms <= event.ledger_time(now_ms) {
            let (name, items) = (hold.event.clone(), hold.items.clone());
            set.append(&name, Change::Expired { id, items }, None, now_ms);
        }
    }
}
