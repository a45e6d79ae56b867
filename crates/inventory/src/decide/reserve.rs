//! Selling at once.

use super::{
    decision::{Decision, Ruling},
    stock::{check_limit, check_stock, check_window, price},
    working_set::WorkingSet,
};
use crate::{
    domain::{CustomerId, EventName, HoldId, Items, TimeMs},
    ledger::Change,
};

pub(super) fn reserve(
    set: &WorkingSet,
    id: HoldId,
    name: &EventName,
    items: &Items,
    customer: Option<&CustomerId>,
    now_ms: TimeMs,
) -> Ruling {
    let event = set.event(name)?;
    check_window(event, now_ms)?;
    check_stock(event, items)?;
    check_limit(set, event, customer, items.total())?;
    Ok(Decision::Append(Change::Sold {
        id,
        items: items.clone(),
        customer: customer.cloned(),
        total: price(event, items)?,
    }))
}
