//! Applies the changes of waiting lists to their entries. The counts of stocks change in
//! [`super::apply`].

use super::{
    apply_error::ApplyError,
    apply_hold::{change_hold, insert, new_hold},
    working_set::WorkingSet,
};
use crate::{
    domain::{CustomerId, Event, HoldId, HoldState, Items, Money, TimeMs, Waiting},
    ledger::Record,
};

fn event<'a>(set: &'a mut WorkingSet, record: &Record) -> Result<&'a mut Event, ApplyError> {
    set.events.get_mut(&record.event).ok_or(ApplyError::NoEvent)
}

fn leave_list(set: &mut WorkingSet, record: &Record) -> Result<(), ApplyError> {
    let list = &mut event(set, record)?.waitlist;
    list.waiting = list.waiting.checked_sub(1).ok_or(ApplyError::Waitlist("nobody waits"))?;
    Ok(())
}

pub(super) fn join(
    set: &mut WorkingSet,
    record: &Record,
    id: HoldId,
    items: &Items,
    customer: Option<&CustomerId>,
) -> Result<(), ApplyError> {
    // Where others that come before it are not loaded, its turn is later.
    let is_next = set.events.get(&record.event).is_some_and(|event| set.sees_all_waiting(event));
    let list = &mut event(set, record)?.waitlist;
    let number = list.joined;
    list.joined += 1;
    list.waiting += 1;
    let mut hold = new_hold(record, id, items, customer, HoldState::Waiting, 0);
    hold.waiting = Some(Waiting { number, passed_over: 0, collected: Items::none() });
    insert(set, hold)?;
    if is_next {
        set.waiting.entry(record.event.clone()).or_default().push(id);
    }
    Ok(())
}

pub(super) fn leave(
    set: &mut WorkingSet,
    record: &Record,
    id: HoldId,
    kept: &Items,
) -> Result<(), ApplyError> {
    let mut was_kept = Items::none();
    change_hold(set, record, id, HoldState::Waiting, |hold| {
        hold.state = HoldState::Released;
        was_kept = hold.waiting.take().map_or(Items::none(), |waiting| waiting.collected);
    })?;
    if was_kept != *kept {
        return Err(ApplyError::Waitlist("other items were kept for the entry"));
    }
    leave_list(set, record)
}

pub(super) fn collect(
    set: &mut WorkingSet,
    record: &Record,
    id: HoldId,
    items: &Items,
) -> Result<(), ApplyError> {
    let mut is_too_much = false;
    change_hold(set, record, id, HoldState::Waiting, |hold| {
        if let Some(waiting) = &mut hold.waiting {
            waiting.collected = waiting.collected.and(items);
            is_too_much = hold.items.without(&waiting.collected).is_none();
        }
    })?;
    if is_too_much || items.is_empty() {
        return Err(ApplyError::Waitlist("more is kept for an entry than it waits for"));
    }
    Ok(())
}

pub(super) struct Offer<'a> {
    pub id: HoldId,
    pub items: &'a Items,
    pub customer: Option<&'a CustomerId>,
}

/// Makes the entry a hold, and returns what was not kept for it.
pub(super) fn offer(
    set: &mut WorkingSet,
    record: &Record,
    offer: &Offer<'_>,
    expires_at_ms: TimeMs,
    total: Option<Money>,
) -> Result<Items, ApplyError> {
    let mut rest = None;
    let customer = change_hold(set, record, offer.id, HoldState::Waiting, |hold| {
        let kept = hold.waiting.take().map_or(Items::none(), |waiting| waiting.collected);
        rest = hold.items.without(&kept).filter(|_| hold.items == *offer.items);
        hold.state = HoldState::Held;
        // What it may be extended by counts from here.
        hold.created_at_ms = record.at_ms;
        hold.expires_at_ms = expires_at_ms;
        hold.terms.total = total;
    })?;
    if customer.as_ref() != offer.customer {
        return Err(ApplyError::Waitlist("an offer names another customer"));
    }
    leave_list(set, record)?;
    rest.ok_or(ApplyError::Waitlist("an offer has other items than its entry"))
}

/// Counts that an offer passed over an entry.
pub(super) fn pass_over(
    set: &mut WorkingSet,
    record: &Record,
    over: Option<HoldId>,
) -> Result<(), ApplyError> {
    let Some(over) = over else { return Ok(()) };
    change_hold(set, record, over, HoldState::Waiting, |hold| {
        if let Some(waiting) = &mut hold.waiting {
            waiting.passed_over = waiting.passed_over.saturating_add(1);
        }
    })?;
    Ok(())
}
