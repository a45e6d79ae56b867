//! Writes expiries that are due.

use super::{queue::freeze_due, waitlist::offer_returns, working_set::WorkingSet};
use crate::{
    domain::{EventName, HoldState, TimeMs},
    ledger::Change,
};

/// Records the expiry of every loaded due hold, oldest first, so that the commands after it find
/// its items available, and the freeze of every loaded draw that is due. What returns goes to those
/// who wait.
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
    // A record comes after all expiries that are due.
    if !set.more_due {
        let names: Vec<_> = set.events.keys().cloned().collect();
        for name in &names {
            freeze(set, name, now_ms);
            offer_returns(set, name, now_ms);
        }
    }
}

/// Records the end of joining the draw of event `name`, if it is due.
pub(super) fn freeze(set: &mut WorkingSet, name: &EventName, now_ms: TimeMs) {
    if let Some(frozen) = freeze_due(set, name, now_ms) {
        set.append(name, frozen, None, now_ms);
    }
}
