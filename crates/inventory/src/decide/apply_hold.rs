//! Adds and changes the holds that records name.

use super::{
    apply_error::ApplyError,
    working_set::{HoldSlot, WorkingSet},
};
use crate::{
    domain::{CustomerId, Hold, HoldId, HoldState, HoldTerms, Items},
    ledger::Record,
};

pub(super) fn new_hold(
    record: &Record,
    id: HoldId,
    items: &Items,
    customer: Option<&CustomerId>,
    state: HoldState,
    expires_at_ms: u64,
) -> Hold {
    let live = if state == HoldState::Confirmed { items.clone() } else { Items::none() };
    Hold {
        id,
        event: record.event.clone(),
        items: items.clone(),
        live,
        customer: customer.cloned(),
        state,
        created_at_ms: record.at_ms,
        expires_at_ms,
        payment_ref: None,
        seq: record.seq,
        confirmed_seq: (state == HoldState::Confirmed).then_some(record.seq),
        terms: HoldTerms::default(),
        waiting: None,
    }
}

pub(super) fn insert(set: &mut WorkingSet, hold: Hold) -> Result<(), ApplyError> {
    let id = hold.id;
    let before = set
        .holds
        .insert(id, HoldSlot { hold, indexed_at_ms: None, indexed_number: None, dirty: true });
    if before.is_some() { Err(ApplyError::NoHold(id)) } else { Ok(()) }
}

/// Changes a hold that is in state `from`, and returns its customer.
pub(super) fn change_hold(
    set: &mut WorkingSet,
    record: &Record,
    id: HoldId,
    from: HoldState,
    change: impl FnOnce(&mut Hold),
) -> Result<Option<CustomerId>, ApplyError> {
    let slot = set
        .holds
        .get_mut(&id)
        .filter(|slot| slot.hold.event == record.event)
        .ok_or(ApplyError::NoHold(id))?;
    if slot.hold.state != from {
        return Err(ApplyError::HoldState(id));
    }
    change(&mut slot.hold);
    slot.hold.seq = record.seq;
    slot.dirty = true;
    Ok(slot.hold.customer.clone())
}
