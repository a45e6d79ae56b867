//! Extending a hold, up to its maximum lifetime.

use super::{
    decision::{Decision, Ruling},
    stock::check_held,
    working_set::WorkingSet,
};
use crate::{
    domain::{HoldId, KeyUse, Limits, Outcome, RefusalKind, TimeMs},
    ledger::Change,
};

pub(super) fn extend(
    set: &WorkingSet,
    limits: &Limits,
    id: HoldId,
    ttl_ms: u64,
    key: Option<&KeyUse>,
    now_ms: TimeMs,
) -> Ruling {
    let hold = set.hold(id)?;
    let now_ms = set.ledger(&hold.event)?.ledger_time(now_ms);
    check_held(hold, now_ms)?;
    let expires_at_ms = now_ms.saturating_add(ttl_ms);
    if expires_at_ms > hold.created_at_ms + limits.hold_lifetime_max_ms {
        return Err(RefusalKind::ExtensionCap { lifetime_max_ms: limits.hold_lifetime_max_ms });
    }
    // Extending never shortens.
    let longer = expires_at_ms > hold.expires_at_ms;
    let expires_at_ms = expires_at_ms.max(hold.expires_at_ms);
    if !longer && key.is_none() {
        return Ok(Decision::Already(
            Outcome::Extended { id, items: hold.items.clone(), expires_at_ms },
            None,
        ));
    }
    // With a key, a reply that changes nothing is written too: a later retry must get this reply
    // instead of being decided again.
    Ok(Decision::Append(Change::Extended { id, items: hold.items.clone(), expires_at_ms }))
}
