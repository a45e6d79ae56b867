//! Checks shared by the commands that take stock.

use super::working_set::WorkingSet;
use crate::domain::{
    CustomerId, Event, Hold, HoldState, Items, Money, RefusalKind, SellBy, TimeMs, TotalError,
    total,
};

/// Whether `event` sells at this time.
pub(super) fn check_window(event: &Event, now_ms: TimeMs) -> Result<(), RefusalKind> {
    let at_ms = event.ledger_time(now_ms);
    if let Some(opens_at_ms) = event.settings.opens_at_ms.filter(|opens| at_ms < *opens) {
        return Err(RefusalKind::NotOpenYet { opens_at_ms, wait_ms: opens_at_ms - at_ms });
    }
    check_closed(event, now_ms)
}

/// Whether `event` still sells at this time.
pub(super) fn check_closed(event: &Event, now_ms: TimeMs) -> Result<(), RefusalKind> {
    let at_ms = event.ledger_time(now_ms);
    match event.settings.closes_at_ms.filter(|closes| at_ms >= *closes) {
        Some(closes_at_ms) => Err(RefusalKind::SaleClosed { closes_at_ms }),
        None => Ok(()),
    }
}

/// Whether `customer` may have `qty` more.
pub(super) fn check_limit(
    set: &WorkingSet,
    event: &Event,
    customer: Option<&CustomerId>,
    qty: u64,
) -> Result<(), RefusalKind> {
    let Some(limit) = event.settings.limit_per_customer else { return Ok(()) };
    let customer = customer.ok_or(RefusalKind::CustomerRequired)?;
    let has = set.customer_has(&event.name, customer);
    if has.saturating_add(qty) > limit {
        Err(RefusalKind::LimitExceeded { limit, has })
    } else {
        Ok(())
    }
}

/// Whether the caller may sell what the event has.
pub(super) fn check_seller(event: &Event, by_seller: bool) -> Result<(), RefusalKind> {
    match event.settings.sell_by {
        Some(SellBy::Seller) if !by_seller => Err(RefusalKind::SellerOnly),
        _ => Ok(()),
    }
}

/// Whether `hold` holds its items at `now_ms`, which is the ledger's time.
pub(super) fn check_held(hold: &Hold, now_ms: TimeMs) -> Result<(), RefusalKind> {
    match hold.state_at(now_ms) {
        HoldState::Held => Ok(()),
        HoldState::Confirmed => Err(RefusalKind::HoldConfirmed),
        HoldState::Released => Err(RefusalKind::HoldReleased),
        HoldState::Expired => Err(RefusalKind::HoldExpired),
        HoldState::Waiting => Err(RefusalKind::StillWaiting),
    }
}

/// What `items` cost.
pub(super) fn price(event: &Event, items: &Items) -> Result<Option<Money>, RefusalKind> {
    total(&event.settings.prices, items).map_err(|error| match error {
        TotalError::MixedCurrencies => RefusalKind::MixedCurrencies,
        TotalError::TooLarge => RefusalKind::TotalTooLarge,
    })
}

/// Whether all of `items` can be taken by somebody who does not wait.
pub(super) fn check_free(
    set: &WorkingSet,
    event: &Event,
    items: &Items,
) -> Result<(), RefusalKind> {
    check_stock(event, items)?;
    if set.may_owe(event) {
        let available = items.iter().map(|item| (item.stock.clone(), 0)).collect();
        return Err(RefusalKind::SoldOut { available });
    }
    Ok(())
}

/// Whether all of `items` are there.
pub(super) fn check_stock(event: &Event, items: &Items) -> Result<(), RefusalKind> {
    if let Some(unknown) = items.iter().find(|item| event.stock(&item.stock).is_none()) {
        return Err(RefusalKind::StockNotFound(unknown.stock.clone()));
    }
    let available = WorkingSet::available(event, items);
    let enough = items.iter().zip(&available).all(|(item, (_, left))| item.qty <= *left);
    if enough { Ok(()) } else { Err(RefusalKind::SoldOut { available }) }
}
