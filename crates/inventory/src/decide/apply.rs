//! Applies records to the state. The only place where counts change, for new records and for
//! replayed ones alike.

use std::collections::BTreeMap;

use super::{
    apply_error::ApplyError,
    apply_hold::{change_hold, insert, new_hold},
    apply_queue, apply_waitlist,
    working_set::WorkingSet,
};
use crate::{
    domain::{
        CustomerId, Event, EventName, EventSettings, HoldState, Items, Money, REFUNDS_DUE_MAX,
        Stock, StockName, total,
    },
    ledger::{Change, Record},
};

/// Applies `record` to `set` and returns the remaining quantities of its stocks. On an error `set`
/// must not be used further.
///
/// # Errors
/// [`ApplyError`] when the record does not follow from the state.
pub fn apply(set: &mut WorkingSet, record: &Record) -> Result<Vec<(StockName, u64)>, ApplyError> {
    let name = &record.event;
    match &record.change {
        Change::EventPut { capacities, settings } => {
            let event =
                set.events.entry(name.clone()).or_insert_with(|| Event::empty(name.clone()));
            event.stocks = with_capacities(event, capacities)?;
            event.queue = apply_queue::after_put(event.queue.take(), settings, record.seq);
            event.settings = settings.clone();
            event.settings_seq = record.seq;
            if record.seq == 1 {
                set.events_len += 1;
            }
        }
        Change::EventDeleted => {
            let event = set.events.get_mut(name).ok_or(ApplyError::NoEvent)?;
            event.stocks = with_capacities(event, &BTreeMap::new())?;
            event.settings = EventSettings::default();
            event.queue = None;
            event.settings_seq = record.seq;
        }
        Change::Sold { id, items, customer, total, place } => {
            apply_queue::spend(set, record, place.as_ref(), *id, items.total())?;
            check_total(set, name, items, *total)?;
            take_counts(set, name, items, |stock, qty| stock.sold += qty)?;
            take(set, name, customer.as_ref(), items.total());
            let mut hold = new_hold(record, *id, items, customer.as_ref(), HoldState::Confirmed, 0);
            hold.terms.total = *total;
            insert(set, hold)?;
        }
        Change::Held { id, items, customer, expires_at_ms, total, place } => {
            apply_queue::spend(set, record, place.as_ref(), *id, items.total())?;
            check_total(set, name, items, *total)?;
            take_counts(set, name, items, |stock, qty| stock.held += qty)?;
            take(set, name, customer.as_ref(), items.total());
            let mut hold =
                new_hold(record, *id, items, customer.as_ref(), HoldState::Held, *expires_at_ms);
            hold.terms.total = *total;
            insert(set, hold)?;
            live_holds(set, name, 1)?;
        }
        Change::Extended { id, expires_at_ms, .. } => {
            change_hold(set, record, *id, HoldState::Held, |hold| {
                hold.expires_at_ms = *expires_at_ms;
            })?;
        }
        Change::PaymentStarted { id, expires_at_ms, payment_ref, .. } => {
            change_hold(set, record, *id, HoldState::Held, |hold| {
                hold.expires_at_ms = *expires_at_ms;
                hold.terms.payment_started = Some(payment_ref.clone());
            })?;
        }
        Change::RefundDue { id, payment_ref, .. } => {
            let known = set.holds.get(id).map(|slot| &slot.hold.terms.refunds_due);
            if known.is_some_and(|due| due.contains(payment_ref) || due.len() >= REFUNDS_DUE_MAX) {
                return Err(ApplyError::HoldState(*id));
            }
            change_hold(set, record, *id, HoldState::Expired, |hold| {
                hold.terms.refunds_due.push(payment_ref.clone());
            })?;
        }
        Change::Confirmed { id, items, payment_ref, reacquired } => {
            let from = if *reacquired { HoldState::Expired } else { HoldState::Held };
            let customer = change_hold(set, record, *id, from, |hold| {
                hold.state = HoldState::Confirmed;
                hold.confirmed_seq = Some(record.seq);
                hold.live = items.clone();
                hold.payment_ref = payment_ref.clone();
            })?;
            if *reacquired {
                take_counts(set, name, items, |stock, qty| stock.sold += qty)?;
                take(set, name, customer.as_ref(), items.total());
            } else {
                change_counts(set, name, items, |stock, qty| {
                    stock.held = stock.held.checked_sub(qty)?;
                    stock.sold += qty;
                    Some(())
                })?;
                live_holds(set, name, -1)?;
            }
        }
        Change::Released { id, items } | Change::Expired { id, items } => {
            let to = if matches!(record.change, Change::Released { .. }) {
                HoldState::Released
            } else {
                HoldState::Expired
            };
            let customer = change_hold(set, record, *id, HoldState::Held, |hold| hold.state = to)?;
            change_counts(set, name, items, |stock, qty| {
                stock.held = stock.held.checked_sub(qty)?;
                Some(())
            })?;
            put_back(set, name, customer.as_ref(), items.total());
            live_holds(set, name, -1)?;
        }
        Change::Refunded { reservation, items, .. } => {
            let live = set.holds.get(reservation).and_then(|slot| slot.hold.live.without(items));
            let live = live.ok_or(ApplyError::HoldState(*reservation))?;
            let customer = change_hold(set, record, *reservation, HoldState::Confirmed, |hold| {
                hold.live = live;
            })?;
            change_counts(set, name, items, |stock, qty| {
                stock.sold = stock.sold.checked_sub(qty)?;
                Some(())
            })?;
            put_back(set, name, customer.as_ref(), items.total());
        }
        Change::Queue(change) => apply_queue::apply(set, record, change)?,
        Change::WaitlistJoined { id, items, customer } => {
            apply_waitlist::join(set, record, *id, items, customer.as_ref())?;
        }
        Change::WaitlistLeft { id, items } => {
            apply_waitlist::leave(set, record, *id, items)?;
            change_counts(set, name, items, |stock, qty| {
                stock.held = stock.held.checked_sub(qty)?;
                Some(())
            })?;
        }
        Change::WaitlistCollected { id, items } => {
            apply_waitlist::collect(set, record, *id, items)?;
            take_counts(set, name, items, |stock, qty| stock.held += qty)?;
        }
        Change::HoldOffered { id, items, customer, expires_at_ms, total, over } => {
            check_total(set, name, items, *total)?;
            let offer = apply_waitlist::Offer { id: *id, items, customer: customer.as_ref() };
            let rest = apply_waitlist::offer(set, record, &offer, *expires_at_ms, *total)?;
            apply_waitlist::pass_over(set, record, *over)?;
            take_counts(set, name, &rest, |stock, qty| stock.held += qty)?;
            take(set, name, customer.as_ref(), items.total());
            live_holds(set, name, 1)?;
        }
    }
    let event = set.events.get_mut(name).ok_or(ApplyError::NoEvent)?;
    event.seq = record.seq;
    event.at_ms = record.at_ms;
    if !set.dirty_events.contains(name) {
        set.dirty_events.insert(name.clone());
    }
    Ok(left(event, &record.change))
}

fn left(event: &Event, change: &Change) -> Vec<(StockName, u64)> {
    match change.items() {
        Some(items) => WorkingSet::available(event, items),
        None if matches!(change, Change::RefundDue { .. } | Change::Queue(_)) => Vec::new(),
        None => {
            event.stocks.iter().map(|(name, stock)| (name.clone(), stock.available())).collect()
        }
    }
}

/// The stocks with these capacities; held and sold quantities stay.
fn with_capacities(
    event: &Event,
    capacities: &BTreeMap<StockName, u64>,
) -> Result<Vec<(StockName, Stock)>, ApplyError> {
    if let Some((gone, _)) = event
        .stocks
        .iter()
        .find(|(name, stock)| stock.held + stock.sold > 0 && !capacities.contains_key(name))
    {
        return Err(ApplyError::Overdrawn(gone.clone()));
    }
    let stocks = capacities.iter().map(|(name, capacity)| {
        let (held, sold) = event.stock(name).map_or((0, 0), |stock| (stock.held, stock.sold));
        if held + sold > *capacity {
            Err(ApplyError::Overdrawn(name.clone()))
        } else {
            Ok((name.clone(), Stock { capacity: *capacity, held, sold }))
        }
    });
    stocks.collect()
}

fn check_total(
    set: &WorkingSet,
    event: &EventName,
    items: &Items,
    recorded: Option<Money>,
) -> Result<(), ApplyError> {
    let event = set.events.get(event).ok_or(ApplyError::NoEvent)?;
    if total(&event.settings.prices, items) == Ok(recorded) {
        Ok(())
    } else {
        Err(ApplyError::Total)
    }
}

/// Takes `items` from the available quantity.
fn take_counts(
    set: &mut WorkingSet,
    event: &EventName,
    items: &Items,
    to: impl Fn(&mut Stock, u64),
) -> Result<(), ApplyError> {
    change_counts(set, event, items, |stock, qty| {
        if stock.available() < qty {
            return None;
        }
        to(stock, qty);
        Some(())
    })
}

/// Changes the count of each stock of `items`; `None` says that a count would go below zero.
fn change_counts(
    set: &mut WorkingSet,
    event: &EventName,
    items: &Items,
    change: impl Fn(&mut Stock, u64) -> Option<()>,
) -> Result<(), ApplyError> {
    let event = set.events.get_mut(event).ok_or(ApplyError::NoEvent)?;
    for item in items {
        let stock =
            event.stock_mut(&item.stock).ok_or_else(|| ApplyError::NoStock(item.stock.clone()))?;
        change(stock, item.qty).ok_or_else(|| ApplyError::Overdrawn(item.stock.clone()))?;
    }
    Ok(())
}

fn live_holds(set: &mut WorkingSet, event: &EventName, by: i64) -> Result<(), ApplyError> {
    let event = set.events.get_mut(event).ok_or(ApplyError::NoEvent)?;
    event.live_holds = event.live_holds.checked_add_signed(by).ok_or(ApplyError::Balance)?;
    set.live_holds_len = set.live_holds_len.saturating_add_signed(by);
    Ok(())
}

fn take(set: &mut WorkingSet, event: &EventName, customer: Option<&CustomerId>, qty: u64) {
    if let Some(customer) = customer {
        let who = (event.clone(), customer.clone());
        *set.customers.entry(who.clone()).or_default() += qty;
        set.dirty_customers.insert(who);
    }
}

fn put_back(set: &mut WorkingSet, event: &EventName, customer: Option<&CustomerId>, qty: u64) {
    if let Some(customer) = customer {
        let who = (event.clone(), customer.clone());
        let has = set.customers.entry(who.clone()).or_default();
        *has = has.saturating_sub(qty);
        set.dirty_customers.insert(who);
    }
}
