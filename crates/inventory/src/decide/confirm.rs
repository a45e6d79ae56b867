//! Confirms a hold; also an expired one whose items are still there.

use super::{
    decision::{Decision, Ruling},
    stock::{check_limit, check_stock},
    working_set::WorkingSet,
};
use crate::{
    domain::{HoldId, HoldState, Outcome, PaymentRef, RefusalKind, TimeMs},
    ledger::Change,
};

pub(super) fn confirm(
    set: &WorkingSet,
    id: HoldId,
    payment_ref: Option<&PaymentRef>,
    now_ms: TimeMs,
) -> Ruling {
    let hold = set.hold(id)?;
    let event = set.ledger(&hold.event)?;
    let reacquired = match hold.state_at(event.ledger_time(now_ms)) {
        HoldState::Held => false,
        HoldState::Confirmed => {
            let payment_ref = hold.payment_ref.clone();
            // A repeated confirmation, with any key, gets the first outcome again and writes
            // nothing.
            return Ok(Decision::Already(
                Outcome::Confirmed { id, items: hold.items.clone(), payment_ref },
                hold.confirmed_seq,
            ));
        }
        HoldState::Released => return Err(RefusalKind::HoldReleased),
        HoldState::Expired => {
            // The customer may have paid by now, so a closed sale does not stop it; missing stock
            // does.
            check_stock(event, &hold.items).map_err(|_| RefusalKind::HoldExpiredSoldOut)?;
            if hold.customer.is_some() {
                check_limit(set, event, hold.customer.as_ref(), hold.items.total())?;
            }
            true
        }
    };
    Ok(Decision::Append(Change::Confirmed {
        id,
        items: hold.items.clone(),
        payment_ref: payment_ref.cloned(),
        reacquired,
    }))
}
