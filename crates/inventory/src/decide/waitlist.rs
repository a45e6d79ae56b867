//! The rules of waiting lists: what returns becomes a hold of the first entry that fits, with the
//! record after the return, so that nobody else ever sees it.
//!
//! An entry that is the first and does not fit is passed over. When that has happened
//! [`PASSED_OVER_MAX`] times, what returns is kept for it until it has all of its items.

use super::{
    decision::{Decision, Ruling},
    stock::{check_free, check_limit, check_stock, check_window, price},
    working_set::WorkingSet,
};
use crate::{
    domain::{
        CustomerId, Event, EventName, Hold, HoldId, HoldState, Items, Limits, Outcome, RefusalKind,
        TimeMs,
    },
    ledger::Change,
};

/// How many offers go to others while the first entry does not fit.
const PASSED_OVER_MAX: u32 = 10;

pub(super) fn join(
    set: &WorkingSet,
    limits: &Limits,
    name: &EventName,
    (id, items, customer): (HoldId, &Items, Option<&CustomerId>),
    now_ms: TimeMs,
) -> Ruling {
    let event = set.event(name)?;
    check_window(event, now_ms)?;
    if event.settings.waitlist.is_none() {
        return Err(RefusalKind::WaitlistClosed);
    }
    match check_free(set, event, items) {
        Ok(()) => return Err(RefusalKind::Available),
        Err(RefusalKind::SoldOut { .. }) => {}
        Err(unknown) => return Err(unknown),
    }
    check_capacity(event, items)?;
    price(event, items)?;
    check_limit(set, event, customer, items.total())?;
    if event.waitlist.waiting >= limits.waitlist_max {
        return Err(RefusalKind::WaitlistFull(limits.waitlist_max));
    }
    let customer = customer.cloned();
    Ok(Decision::Append(Change::WaitlistJoined { id, items: items.clone(), customer }))
}

/// An entry for more than there is would wait for ever.
fn check_capacity(event: &Event, items: &Items) -> Result<(), RefusalKind> {
    let capacity =
        |item: &crate::domain::Item| event.stock(&item.stock).map_or(0, |stock| stock.capacity);
    if items.iter().all(|item| item.qty <= capacity(item)) {
        return Ok(());
    }
    let available = items.iter().map(|item| (item.stock.clone(), capacity(item))).collect();
    Err(RefusalKind::SoldOut { available })
}

pub(super) fn leave(set: &WorkingSet, id: HoldId) -> Ruling {
    let hold = set.hold(id)?;
    match (hold.state, &hold.waiting) {
        (HoldState::Waiting, Some(waiting)) => {
            Ok(Decision::Append(Change::WaitlistLeft { id, items: waiting.collected.clone() }))
        }
        (HoldState::Released, _) => Ok(Decision::Already(Outcome::Released, None)),
        _ => Err(RefusalKind::Offered),
    }
}

/// Offers what is available of event `name` to its waiting list.
pub(super) fn offer_returns(set: &mut WorkingSet, name: &EventName, now_ms: TimeMs) {
    while let Some(change) = next_offer(set, name, now_ms) {
        set.append(name, change, None, now_ms);
    }
}

fn next_offer(set: &WorkingSet, name: &EventName, now_ms: TimeMs) -> Option<Change> {
    let event = set.events.get(name).filter(|event| event.waitlist.waiting > 0)?;
    let ids = set.waiting.get(name)?.iter();
    let mut entries =
        ids.filter_map(|id| set.hold(*id).ok()).filter(|hold| hold.state == HoldState::Waiting);
    let first = entries.next()?;
    let window = check_window(event, now_ms);
    let settings = match (&event.settings.waitlist, &window) {
        (Some(settings), Ok(())) => settings,
        (Some(_), Err(RefusalKind::NotOpenYet { .. })) => return None,
        // The list has ended, and keeps nothing from anybody.
        _ => {
            let items = first.waiting.as_ref()?.collected.clone();
            return Some(Change::WaitlistLeft { id: first.id, items });
        }
    };
    // What is kept for an entry that may not have its items any more goes to the others.
    let kept = first.waiting.as_ref().map(|waiting| &waiting.collected);
    if let Some(items) = kept.filter(|items| !items.is_empty())
        && check_terms(set, event, first).is_err()
    {
        return Some(Change::WaitlistLeft { id: first.id, items: items.clone() });
    }
    if event.left_and_held().0 == 0 {
        return None;
    }
    if let Some(change) = fit(set, event, first) {
        return Some(offer(event, change, settings.offer_ttl_ms, None, now_ms));
    }
    if let Some(items) = to_collect(set, event, first) {
        return Some(Change::WaitlistCollected { id: first.id, items });
    }
    let fits = entries.find_map(|hold| fit(set, event, hold))?;
    Some(offer(event, fits, settings.offer_ttl_ms, Some(first.id), now_ms))
}

/// `hold`, if it can have all of its items now.
fn fit<'a>(set: &WorkingSet, event: &Event, hold: &'a Hold) -> Option<&'a Hold> {
    let rest = hold.items.without(&hold.waiting.as_ref()?.collected)?;
    check_stock(event, &rest).ok()?;
    check_terms(set, event, hold).ok()?;
    Some(hold)
}

/// Whether `hold` could have its items if they were there.
fn check_terms(set: &WorkingSet, event: &Event, hold: &Hold) -> Result<(), RefusalKind> {
    if let Some(customer) = &hold.customer {
        check_limit(set, event, Some(customer), hold.items.total())?;
    }
    check_capacity(event, &hold.items)?;
    price(event, &hold.items).map(drop)
}

/// What is kept for the first entry, if it was passed over often enough.
fn to_collect(set: &WorkingSet, event: &Event, first: &Hold) -> Option<Items> {
    let waiting = first.waiting.as_ref()?;
    if waiting.passed_over < PASSED_OVER_MAX || check_terms(set, event, first).is_err() {
        return None;
    }
    let rest = first.items.without(&waiting.collected)?;
    let available = |stock: &_| event.stock(stock).map_or(0, crate::domain::Stock::available);
    Some(rest.at_most(available)).filter(|items| !items.is_empty())
}

fn offer(
    event: &Event,
    hold: &Hold,
    offer_ttl_ms: u64,
    over: Option<HoldId>,
    now_ms: TimeMs,
) -> Change {
    Change::HoldOffered {
        id: hold.id,
        items: hold.items.clone(),
        customer: hold.customer.clone(),
        expires_at_ms: event.ledger_time(now_ms).saturating_add(offer_ttl_ms),
        total: price(event, &hold.items).ok().flatten(),
        over,
    }
}
