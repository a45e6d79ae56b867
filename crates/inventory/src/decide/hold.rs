//! Holds items for a limited time.

use super::{
    decision::{Decision, Ruling},
    stock::{check_limit, check_stock, check_window, price},
    working_set::WorkingSet,
};
use crate::{
    domain::{CustomerId, EventName, HoldId, Items, Limits, RefusalKind, TimeMs},
    ledger::Change,
};

pub(super) struct HoldArgs<'a> {
    pub id: HoldId,
    pub event: &'a EventName,
    pub items: &'a Items,
    pub customer: Option<&'a CustomerId>,
    pub ttl_ms: Option<u64>,
}

pub(super) fn hold(
    set: &WorkingSet,
    limits: &Limits,
    args: &HoldArgs<'_>,
    now_ms: TimeMs,
) -> Ruling {
    let event = set.event(args.event)?;
    check_window(event, now_ms)?;
    check_stock(event, args.items)?;
    check_limit(set, event, args.customer, args.items.total())?;
    if set.live_holds_len >= limits.live_holds_max {
        return Err(RefusalKind::TooManyHolds(limits.live_holds_max));
    }
    let ttl_ms = args
        .ttl_ms
        .or(event.settings.hold_ttl_ms)
        .unwrap_or(limits.hold_ttl_ms)
        .clamp(1, limits.hold_ttl_max_ms);
    Ok(Decision::Append(Change::Held {
        id: args.id,
        items: args.items.clone(),
        customer: args.customer.cloned(),
        expires_at_ms: event.ledger_time(now_ms) + ttl_ms,
        total: price(event, args.items)?,
    }))
}
