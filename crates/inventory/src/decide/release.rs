//! Giving a hold back.

use super::{
    decision::{Decision, Ruling},
    waitlist,
    working_set::WorkingSet,
};
use crate::{
    domain::{HoldId, HoldState, Outcome, RefusalKind, TimeMs},
    ledger::Change,
};

pub(super) fn release(set: &WorkingSet, id: HoldId, now_ms: TimeMs) -> Ruling {
    let hold = set.hold(id)?;
    match hold.state_at(set.ledger(&hold.event)?.ledger_time(now_ms)) {
        HoldState::Held => Ok(Decision::Append(Change::Released { id, items: hold.items.clone() })),
        HoldState::Released | HoldState::Expired => Ok(Decision::Already(Outcome::Released, None)),
        HoldState::Confirmed => Err(RefusalKind::HoldConfirmed),
        HoldState::Waiting => waitlist::leave(set, id),
    }
}
