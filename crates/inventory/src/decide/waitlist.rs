//! The rules of waiting lists: what returns becomes a hold of the first entry that fits, with the
//! record after the return, so that nobody else ever sees it.
//!
//! An offer passes over the first entry that needs a stock of its items, and that could have what
//! it waits for. When that has happened [`PASSED_OVER_MAX`] times, what returns is kept for this
//! entry until it has all of its items. So those in the list overtake an entry a bounded number of
//! times.

use super::{
    decision::{Decision, Ruling},
    stock::{check_free, check_limit, check_stock, check_window, price},
    working_set::{WAITING_MAX, WorkingSet},
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
    let mut entries = ids
        .filter_map(|id| set.hold(*id).ok())
        .filter(|hold| hold.state == HoldState::Waiting)
        .take(WAITING_MAX);
    let settings = match (&event.settings.waitlist, check_window(event, now_ms)) {
        (Some(settings), Ok(())) => settings,
        (Some(_), Err(RefusalKind::NotOpenYet { .. })) => return None,
        // The list has ended, and keeps nothing from anybody.
        _ => return leaves(entries.next()?),
    };
    let keepers: Vec<_> = entries.clone().filter(|hold| keeps(hold).is_some()).collect();
    // What is kept for an entry that may not have its items any more goes to the others.
    if let Some(lost) = keepers.iter().find(|hold| check_terms(set, event, hold).is_err()) {
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
        let items = to_collect(set, event, hold, &keepers)?;
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

/// Whether `hold` could have its items, and needs some of what `other` gets with an offer.
fn is_overtaken(set: &WorkingSet, event: &Event, hold: &Hold, other: &Hold) -> bool {
    rest(hold).is_some_and(|needs| needs.shares(&other.items))
        && check_terms(set, event, hold).is_ok()
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

/// What is kept for `hold` from now on, if it was passed over often enough: what is there of its
/// rest, but for the stocks that others need which `hold` waits for.
fn to_collect(set: &WorkingSet, event: &Event, hold: &Hold, keepers: &[&Hold]) -> Option<Items> {
    if hold.waiting.as_ref()?.passed_over < PASSED_OVER_MAX {
        return None;
    }
    let rest = rest(hold)?;
    let available = |stock: &_| event.stock(stock).map_or(0, crate::domain::Stock::available);
    if rest.at_most(available).is_empty() || check_terms(set, event, hold).is_err() {
        return None;
    }
    let others = keepers.iter().copied().filter(|other| other.id != hold.id).collect();
    let reserved = needed_by_those_before(&rest, others);
    let items = rest.at_most(|stock| if reserved.qty_of(stock) > 0 { 0 } else { available(stock) });
    Some(items).filter(|items| !items.is_empty())
}

/// What those need who keep something of `rest`, or of what such a keeper needs, and so on: who
/// waits for `rest` waits for them. If nothing of this is kept for the one who waits, none of them
/// waits for it in turn, and nobody waits in a circle.
fn needed_by_those_before(rest_of_one: &Items, mut keepers: Vec<&Hold>) -> Items {
    let (mut needed, mut reserved) = (rest_of_one.clone(), Items::none());
    loop {
        let (before, others): (Vec<_>, Vec<_>) = keepers
            .into_iter()
            .partition(|keeper| keeps(keeper).is_some_and(|kept| kept.shares(&needed)));
        if before.is_empty() {
            return reserved;
        }
        for rest in before.into_iter().filter_map(rest) {
            needed = needed.and(&rest);
            reserved = reserved.and(&rest);
        }
        keepers = others;
    }
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
