//! Selling at once.

use super::{
    decision::{Decision, Ruling},
    queue::check_pass,
    stock::{check_free, check_limit, check_window, price},
    working_set::WorkingSet,
};
use crate::{
    domain::{CustomerId, EventName, HoldId, Items, PassUse, TimeMs},
    ledger::Change,
};

pub(super) struct ReserveArgs<'a> {
    pub id: HoldId,
    pub event: &'a EventName,
    pub items: &'a Items,
    pub customer: Option<&'a CustomerId>,
    pub pass: Option<&'a PassUse>,
}

pub(super) fn reserve(set: &WorkingSet, args: &ReserveArgs<'_>, now_ms: TimeMs) -> Ruling {
    let event = set.event(args.event)?;
    check_window(event, now_ms)?;
    let place = check_pass(set, event, args.pass, now_ms)?;
    check_free(set, event, args.items)?;
    check_limit(set, event, args.customer, args.items.total())?;
    Ok(Decision::Append(Change::Sold {
        id: args.id,
        items: args.items.clone(),
        customer: args.customer.cloned(),
        total: price(event, args.items)?,
        place,
    }))
}
