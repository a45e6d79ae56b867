//! The rules of waiting lists: what returns becomes a hold of the first entry that fits, with the
//! record after the return, so that nobody else ever sees it.
//!
//! An offer passes over the first entry that needs a stock of what it takes, and that could have
//! its items. When that has happened [`PASSED_OVER_MAX`] times, what returns is kept for this entry
//! until it has all of its items. So the entries before another one, and the entry itself, are
//! overtaken a bounded number of times, whatever the others wait for.

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

/// How many offers go to others that take what an entry needs.
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
    let settings = match (&event.settings.waitlist, check_window(event, now_ms)) {
        (Some(settings), Ok(())) => settings,
        (Some(_), Err(RefusalKind::NotOpenYet { .. })) => return None,
        // The list has ended, and keeps nothing from anybody.
        _ => return leaves(entries.next()?),
    };
    // What is kept for an entry that may not have its items any more goes to the others.
    let lost = |hold: &&Hold| keeps(hold).is_some() && check_terms(set, event, hold).is_err();
    if let Some(lost) = entries.clone().find(lost) {
        return leaves(lost);
    }
    if event.left_and_held().0 == 0 {
        return None;
    }
    entries.clone().enumerate().find_map(|(at, hold)| {
        if let Some(hold) = fit(set, event, hold) {
            let over = entries.clone().take(at).find(|other| is_overtaken(set, event, other, hold));
            return Some(offer(event, hold, settings.offer_ttl_ms, over, now_ms));
        }
        let items = to_collect(set, event, hold, entries.clone().skip(at + 1))?;
        Some(Change::WaitlistCollected { id: hold.id, items })
    })
}

/// What is kept for `hold`.
fn keeps(hold: &Hold) -> Option<&Items> {
    let waiting = hold.waiting.as_ref()?;
    Some(&waiting.collected).filter(|items| !items.is_empty())
}

/// What `hold` needs beside what is kept for it.
fn rest(hold: &Hold) -> Option<Items> {
    hold.items.without(&hold.waiting.as_ref()?.collected)
}

fn leaves(hold: &Hold) -> Option<Change> {
    let items = hold.waiting.as_ref()?.collected.clone();
    Some(Change::WaitlistLeft { id: hold.id, items })
}

/// Whether `hold` could have its items, and an offer to `other` takes some of what it needs.
fn is_overtaken(set: &WorkingSet, event: &Event, hold: &Hold, other: &Hold) -> bool {
    let shares = rest(hold).zip(rest(other)).is_some_and(|(needs, takes)| needs.shares(&takes));
    shares && check_terms(set, event, hold).is_ok()
}

/// `hold`, if it can have all of its items now.
fn fit<'a>(set: &WorkingSet, event: &Event, hold: &'a Hold) -> Option<&'a Hold> {
    check_stock(event, &rest(hold)?).ok()?;
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

/// What is kept for `hold` from now on, if it was passed over often enough.
///
/// Nothing, while something that it needs is kept for one of the `later` entries: each of the two
/// could wait for what is kept for the other one. The later one has what returns first.
fn to_collect<'a>(
    set: &WorkingSet,
    event: &Event,
    hold: &Hold,
    mut later: impl Iterator<Item = &'a Hold>,
) -> Option<Items> {
    let waiting = hold.waiting.as_ref()?;
    if waiting.passed_over < PASSED_OVER_MAX || check_terms(set, event, hold).is_err() {
        return None;
    }
    let rest = rest(hold)?;
    if later.any(|other| keeps(other).is_some_and(|kept| kept.shares(&rest))) {
        return None;
    }
    let available = |stock: &_| event.stock(stock).map_or(0, crate::domain::Stock::available);
    Some(rest.at_most(available)).filter(|items| !items.is_empty())
}

fn offer(
    event: &Event,
    hold: &Hold,
    offer_ttl_ms: u64,
    over: Option<&Hold>,
    now_ms: TimeMs,
) -> Change {
    Change::HoldOffered {
        id: hold.id,
        items: hold.items.clone(),
        customer: hold.customer.clone(),
        expires_at_ms: event.ledger_time(now_ms).saturating_add(offer_ttl_ms),
        total: price(event, &hold.items).ok().flatten(),
        over: over.map(|hold| hold.id),
    }
}
