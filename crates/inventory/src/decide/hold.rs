//! Holds items for a limited time.

use super::{
    decision::{Decision, Ruling},
    queue::check_pass,
    stock::{check_free, check_limit, check_window, price},
    working_set::WorkingSet,
};
use crate::{
    domain::{CustomerId, EventName, HoldId, Items, Limits, PassUse, RefusalKind, TimeMs},
    ledger::Change,
};

pub(super) struct HoldArgs<'a> {
    pub id: HoldId,
    pub event: &'a EventName,
    pub items: &'a Items,
    pub customer: Option<&'a CustomerId>,
    pub ttl_ms: Option<u64>,
    pub pass: Option<&'a PassUse>,
}

pub(super) fn hold(
    set: &WorkingSet,
    limits: &Limits,
    args: &HoldArgs<'_>,
    now_ms: TimeMs,
) -> Ruling {
    let event = set.event(args.event)?;
    check_window(event, now_ms)?;
    let place = check_pass(set, event, args.pass, now_ms)?;
    check_free(set, event, args.items)?;
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
        place,
    }))
}
