//! Confirms a hold; also an expired one whose items are still there.

use super::{
    decision::{Decision, Ruling},
    stock::{check_limit, check_stock},
    working_set::WorkingSet,
};
use crate::{
    domain::{
        Event, Hold, HoldId, HoldState, Money, Outcome, PaymentRef, REFUNDS_DUE_MAX, RefusalKind,
        TimeMs,
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
        HoldState::Waiting => return Err(RefusalKind::StillWaiting),
        HoldState::Expired => {
            if let Some(refusal) = args.payment_ref.and_then(|payment| settled(hold, payment)) {
                return Err(refusal);
            }
            if let Err(why) = check_reacquire(set, event, hold) {
                return too_late(hold, args, why);
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

/// The refusal of a payment that buys nothing any more, even when the items return: the seller was
/// told to return it, or could not be told because the hold has all the records of such payments
/// that it may have.
fn settled(hold: &Hold, payment: &PaymentRef) -> Option<RefusalKind> {
    let due = &hold.terms.refunds_due;
    if due.contains(payment) {
        return Some(RefusalKind::RefundDue { payment_ref: payment.clone() });
    }
    (due.len() >= REFUNDS_DUE_MAX).then_some(RefusalKind::HoldExpiredSoldOut)
}

/// Whether an expired hold can have its items again. The customer may have paid by now, so a closed
/// sale does not stop it; missing stock does, and what the customer has taken meanwhile.
fn check_reacquire(set: &WorkingSet, event: &Event, hold: &Hold) -> Result<(), RefusalKind> {
    check_stock(event, &hold.items).map_err(|_| RefusalKind::HoldExpiredSoldOut)?;
    match &hold.customer {
        Some(customer) => check_limit(set, event, Some(customer), hold.items.total()),
        None => Ok(()),
    }
}

/// The hold cannot be sold: a payment is recorded, so that the seller returns it.
fn too_late(hold: &Hold, args: &ConfirmArgs<'_>, why: RefusalKind) -> Ruling {
    let Some(payment_ref) = args.payment_ref else { return Err(why) };
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
