//! Taking items out of sale for a while.

use super::{
    decision::{Decision, Ruling},
    stock::{check_limit, check_stock, check_window},
    working_set::WorkingSet,
};
use crate::{
    domain::{CustomerId, EventName, HoldId, Items, Limits, RefusalKind, TimeMs},
    ledger::Change,
};

pub(super) struct Wish<'a> {
    pub id: HoldId,
    pub event: &'a EventName,
    pub items: &'a Items,
    pub customer: Option<&'a CustomerId>,
    pub ttl_ms: Option<u64>,
}

pub(super) fn hold(set: &WorkingSet, limits: &Limits, wish: &Wish<'_>, now_ms: TimeMs) -> Ruling {
    let event = set.event(wish.event)?;
    check_window(event, now_ms)?;
    check_stock(event, wish.items)?;
    check_limit(set, event, wish.customer, wish.items.total())?;
    if set.live_holds_len >= limits.live_holds_max {
        return Err(RefusalKind::TooManyHolds(limits.live_holds_max));
    }
    let ttl_ms = wish
        .ttl_ms
        .or(event.settings.hold_ttl_ms)
        .unwrap_or(limits.hold_ttl_ms)
        .clamp(1, limits.hold_ttl_max_ms);
    Ok(Decision::Append(Change::Held {
        id: wish.id,
        items: wish.items.clone(),
        customer: wish.customer.cloned(),
        expires_at_ms: event.ledger_time(now_ms) + ttl_ms,
    }))
}
