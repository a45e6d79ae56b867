//! Confirms a hold; also an expired one whose items are still there.

use super::{
    decision::{Decision, Ruling},
    stock::{check_limit, check_stock},
    working_set::WorkingSet,
};
use crate::{
    domain::{
        Hold, HoldId, HoldState, Money, Outcome, PaymentRef, REFUNDS_DUE_MAX, RefusalKind, TimeMs,
    },
    ledger::Change,
};

pub(super) struct ConfirmArgs<'a> {
    pub id: HoldId,
    pub payment_ref: Option<&'a PaymentRef>,
    pub amount: Option<Money>,
}

pub(super) fn confirm(set: &WorkingSet, args: &ConfirmArgs<'_>, now_ms: TimeMs) -> Ruling {
    let hold = set.hold(args.id)?;
    let event = set.ledger(&hold.event)?;
    let reacquired = match hold.state_at(event.ledger_time(now_ms)) {
        HoldState::Held => false,
        HoldState::Confirmed => return repeat(hold, args),
        HoldState::Released => return Err(RefusalKind::HoldReleased),
        HoldState::Expired => {
            if args.payment_ref.is_some_and(|payment| is_dead(hold, payment)) {
                return too_late(hold, args);
            }
            // The customer may have paid by now, so a closed sale does not stop it; missing stock
            // does, and what the customer has taken meanwhile.
            if check_stock(event, &hold.items).is_err() {
                return too_late(hold, args);
            }
            if hold.customer.is_some()
                && let Err(limit) =
                    check_limit(set, event, hold.customer.as_ref(), hold.items.total())
            {
                return if args.payment_ref.is_some() { too_late(hold, args) } else { Err(limit) };
            }
            true
        }
    };
    check_amount(hold, args)?;
    Ok(Decision::Append(Change::Confirmed {
        id: args.id,
        items: hold.items.clone(),
        payment_ref: args.payment_ref.cloned(),
        reacquired,
    }))
}

fn check_amount(hold: &Hold, args: &ConfirmArgs<'_>) -> Result<(), RefusalKind> {
    let total = hold.terms.total;
    match args.amount {
        Some(amount) if total != Some(amount) => Err(RefusalKind::AmountMismatch { total }),
        _ => Ok(()),
    }
}

/// A repeated confirmation, with any key, gets the first outcome again and writes nothing. One with
/// another payment is a second payment.
fn repeat(hold: &Hold, args: &ConfirmArgs<'_>) -> Ruling {
    if args.payment_ref.is_some_and(|payment| hold.payment_ref.as_ref() != Some(payment)) {
        return Err(RefusalKind::PaidOtherwise);
    }
    check_amount(hold, args)?;
    let (id, items) = (args.id, hold.items.clone());
    let outcome = Outcome::Confirmed { id, items, payment_ref: hold.payment_ref.clone() };
    Ok(Decision::Already(outcome, hold.confirmed_seq))
}

/// Whether nothing is sold for `payment` any more, even when the items return: the seller was told
/// to return it, or could not be told because the hold has all the records of such payments that
/// it may have.
fn is_dead(hold: &Hold, payment: &PaymentRef) -> bool {
    let due = &hold.terms.refunds_due;
    due.len() >= REFUNDS_DUE_MAX || due.contains(payment)
}

/// The hold cannot be sold: a payment is recorded once, so that the seller returns it.
fn too_late(hold: &Hold, args: &ConfirmArgs<'_>) -> Ruling {
    let Some(payment_ref) = args.payment_ref else { return Err(RefusalKind::HoldExpiredSoldOut) };
    if hold.terms.refunds_due.contains(payment_ref) {
        return Err(RefusalKind::RefundDue { payment_ref: payment_ref.clone() });
    }
    if hold.terms.refunds_due.len() >= REFUNDS_DUE_MAX {
        return Err(RefusalKind::HoldExpiredSoldOut);
    }
    let payment_ref = payment_ref.clone();
    Ok(Decision::AppendAndRefuse(
        Change::RefundDue {
            id: args.id,
            payment_ref: payment_ref.clone(),
            amount: args.amount.or(hold.terms.total),
        },
        RefusalKind::RefundDue { payment_ref },
    ))
}
