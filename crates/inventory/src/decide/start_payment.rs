//! Keeps a hold for the time of its payment, once.

use super::{
    decision::{Decision, Ruling},
    stock::check_held,
    working_set::WorkingSet,
};
use crate::{
    domain::{HoldId, KeyUse, Limits, Outcome, PaymentRef, RefusalKind, TimeMs},
    ledger::Change,
};

pub(super) fn start_payment(
    set: &WorkingSet,
    limits: &Limits,
    id: HoldId,
    payment_ref: &PaymentRef,
    key: Option<&KeyUse>,
    now_ms: TimeMs,
) -> Ruling {
    let hold = set.hold(id)?;
    let now_ms = set.ledger(&hold.event)?.ledger_time(now_ms);
    check_held(hold, now_ms)?;
    let items = hold.items.clone();
    let expires_at_ms = match &hold.terms.payment_started {
        Some(started) if started == payment_ref => hold.expires_at_ms,
        Some(_) => return Err(RefusalKind::PaymentStarted),
        None => {
            // The window ends at the longest lifetime of a hold, and never shortens the hold.
            let cap_ms = hold.created_at_ms.saturating_add(limits.hold_lifetime_max_ms);
            let window_ms = now_ms.saturating_add(limits.payment_window_ms).min(cap_ms);
            window_ms.max(hold.expires_at_ms)
        }
    };
    let payment_ref = payment_ref.clone();
    if hold.terms.payment_started.is_some() && key.is_none() {
        let outcome = Outcome::PaymentStarted { id, items, expires_at_ms, payment_ref };
        return Ok(Decision::Already(outcome, None));
    }
    // With a key, a reply that changes nothing is written too, as for an extension.
    Ok(Decision::Append(Change::PaymentStarted { id, items, expires_at_ms, payment_ref }))
}
