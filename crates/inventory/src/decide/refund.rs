//! Taking sold items back.

use super::{
    decision::{Decision, Ruling},
    working_set::WorkingSet,
};
use crate::{
    domain::{HoldId, HoldState, Items, RefusalKind},
    ledger::Change,
};

pub(super) fn refund(
    set: &WorkingSet,
    id: HoldId,
    reservation: HoldId,
    items: Option<&Items>,
) -> Ruling {
    let hold = set.hold(reservation)?;
    if hold.state != HoldState::Confirmed {
        return Err(RefusalKind::NotConfirmed);
    }
    if let Some(unknown) =
        items.into_iter().flatten().find(|item| hold.items.qty_of(&item.stock) == 0)
    {
        return Err(RefusalKind::StockNotFound(unknown.stock.clone()));
    }
    let items = items.unwrap_or(&hold.live);
    if items.is_empty() || hold.live.without(items).is_none() {
        return Err(RefusalKind::AlreadyRefunded);
    }
    Ok(Decision::Append(Change::Refunded { id, reservation, items: items.clone() }))
}
