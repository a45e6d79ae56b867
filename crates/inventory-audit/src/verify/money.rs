//! Rules about prices and payments, by code of their own.

use inventory::domain::{
    EventSettings, Hold, HoldId, HoldTerms, Item, Items, Money, PaymentRef, REFUNDS_DUE_MAX, TimeMs,
};

use super::{
    balance::{Balance, Counts},
    violation::ViolationKind,
};

/// The terms of a new hold or sale, whose record names `total`.
pub fn new_terms(
    settings: &EventSettings,
    id: HoldId,
    items: &Items,
    total: Option<Money>,
) -> Result<HoldTerms, ViolationKind> {
    let (priced, sum) = priced(settings, items);
    let is_right = match total {
        None => priced.is_empty(),
        Some(total) => {
            !priced.is_empty()
                && sum == total.amount_minor.into()
                && priced.iter().all(|(price, _)| price.currency == total.currency)
        }
    };
    if is_right {
        Ok(HoldTerms { total, ..HoldTerms::default() })
    } else {
        Err(ViolationKind::Hold { id, why: "its total is not the price of its items" })
    }
}

/// Whether the prices of `items` have a sum: in one currency, and not too large.
pub fn has_total(settings: &EventSettings, items: &Items) -> bool {
    let (priced, sum) = priced(settings, items);
    sum <= Money::AMOUNT_MAX.into()
        && priced.windows(2).all(|pair| pair[0].0.currency == pair[1].0.currency)
}

/// The prices of `items` with their quantities, and the sum. In a ledger that is not valid it may
/// be too large, and ends there.
fn priced(settings: &EventSettings, items: &Items) -> (Vec<(Money, u128)>, u128) {
    let price = |item: &Item| settings.prices.get(&item.stock).map(|it| (*it, item.qty.into()));
    let priced: Vec<(Money, u128)> = items.iter().filter_map(price).collect();
    let prices = priced.iter().map(|(price, qty)| u128::from(price.amount_minor) * qty);
    let sum = prices.fold(0, u128::saturating_add);
    (priced, sum)
}

/// Notes that the payment of a hold started, until `expires_at_ms`. A repeated request with a key
/// has a record of its own, which changes nothing.
pub fn start_payment(
    hold: &mut Hold,
    payment: &PaymentRef,
    expires_at_ms: TimeMs,
) -> Result<(), ViolationKind> {
    match hold.terms.payment_started.replace(payment.clone()) {
        Some(started) if started != *payment => {
            Err(ViolationKind::Hold { id: hold.id, why: "two payments of it started" })
        }
        Some(_) if expires_at_ms != hold.expires_at_ms => {
            Err(ViolationKind::Hold { id: hold.id, why: "its payment extends it twice" })
        }
        _ => Ok(()),
    }
}

/// Notes a payment that came too late: the hold has expired, and its items are gone, or its
/// customer `is_over_limit` with them.
pub fn refund_due(
    hold: &mut Hold,
    payment: &PaymentRef,
    balance: &Balance,
    is_over_limit: bool,
) -> Result<(), ViolationKind> {
    let id = hold.id;
    let is_there = hold.items.iter().all(|item| {
        let left = balance.0.get(&item.stock).and_then(Counts::available);
        left.is_some_and(|left| left >= item.qty)
    });
    if is_there && !is_over_limit {
        return Err(ViolationKind::Hold { id, why: "a refund is due, but its items are there" });
    }
    if hold.terms.refunds_due.contains(payment) {
        return Err(ViolationKind::Hold { id, why: "a refund is due twice for one payment" });
    }
    if hold.terms.refunds_due.len() >= REFUNDS_DUE_MAX {
        return Err(ViolationKind::Hold { id, why: "more refunds are due than may be recorded" });
    }
    hold.terms.refunds_due.push(payment.clone());
    Ok(())
}

/// A payment that has to be refunded must not buy anything.
pub fn check_payment(hold: &Hold, payment: Option<&PaymentRef>) -> Result<(), ViolationKind> {
    match payment {
        Some(payment) if hold.terms.refunds_due.contains(payment) => {
            Err(ViolationKind::Hold { id: hold.id, why: "sold for a payment that is refunded" })
        }
        _ => Ok(()),
    }
}
