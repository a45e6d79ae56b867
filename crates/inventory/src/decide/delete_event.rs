//! Deletes an event of which nothing is held or sold. Its ledger remains.

use super::{
    decision::{Decision, Ruling},
    working_set::WorkingSet,
};
use crate::{
    domain::{EventName, Outcome, RefusalKind},
    ledger::Change,
};

pub(super) fn delete_event(
    set: &WorkingSet,
    name: &EventName,
    if_settings_seq: Option<u64>,
) -> Ruling {
    let event = set.events.get(name).ok_or(RefusalKind::EventNotFound)?;
    if event.is_deleted() {
        return Ok(Decision::Already(Outcome::EventDeleted, None));
    }
    if if_settings_seq.is_some_and(|seq| seq != event.settings_seq) {
        return Err(RefusalKind::PreconditionFailed);
    }
    let used = event.stocks.iter().map(|(_, stock)| stock.held + stock.sold).sum();
    if used > 0 {
        return Err(RefusalKind::EventInUse { used });
    }
    Ok(Decision::Append(Change::EventDeleted))
}
