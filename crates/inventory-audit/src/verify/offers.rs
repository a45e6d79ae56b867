//! The records of waiting lists, which concern entries, stock and holds.

use inventory::{
    domain::{Hold, HoldId},
    ledger::{Change, Record},
};

use super::{
    effects::{Effects, mine, with_customer},
    event::{EventAudit, GIVE_HELD, TAKE_HELD},
    money,
    violation::ViolationKind,
};

impl EventAudit {
    /// Takes a record of the waiting list. `over` is the entry that it passes over.
    pub(super) fn change_waitlist(
        &mut self,
        record: &Record,
        before: Option<Hold>,
        over: Option<Hold>,
    ) -> Result<Effects, ViolationKind> {
        match &record.change {
            Change::WaitlistJoined { id, items, customer } => {
                if before.is_some() {
                    return Err(ViolationKind::Hold { id: *id, why: "its id is used twice" });
                }
                if self.settings.waitlist.is_none() || self.is_closed(record.at_ms) {
                    return Err(ViolationKind::Waitlist("an entry joined while it was closed"));
                }
                let hold = self.waitlist.join(record, *id, items, customer.as_ref());
                Ok(Effects::of_hold(hold))
            }
            Change::WaitlistLeft { id, items } => {
                let hold = self.waitlist.leave(entry(*id, record, before)?, items)?;
                self.balance.flow(items, GIVE_HELD)?;
                Ok(Effects::of_hold(hold))
            }
            Change::WaitlistCollected { id, items } => {
                let hold = self.waitlist.collect(entry(*id, record, before)?, items)?;
                self.balance.flow(items, TAKE_HELD)?;
                Ok(Effects::of_hold(hold))
            }
            Change::HoldOffered { id, items, expires_at_ms, total, over: passed, .. } => {
                let ttl_ms = self.settings.waitlist.as_ref().map(|list| list.offer_ttl_ms);
                if ttl_ms.map(|ttl_ms| record.at_ms.saturating_add(ttl_ms)) != Some(*expires_at_ms)
                    || self.is_closed(record.at_ms)
                {
                    return Err(ViolationKind::Waitlist(
                        "an offer while it was closed, or of another time",
                    ));
                }
                let hold = entry(*id, record, before)?;
                if hold.customer.as_ref() != record.change.customer() {
                    return Err(ViolationKind::Waitlist("an offer names another customer"));
                }
                let (mut hold, rest) = self.waitlist.offer(record, hold, items, *expires_at_ms)?;
                hold.terms = money::new_terms(&self.settings, *id, items, *total)?;
                let over = self.waitlist.pass_over(record, *passed, over)?;
                self.balance.flow(&rest, TAKE_HELD)?;
                self.live.insert((*expires_at_ms, *id));
                Ok(Effects { over, ..with_customer(hold, i128::from(items.total())) })
            }
            _ => Err(ViolationKind::Waitlist("another kind of record")),
        }
    }
}

/// The entry of the event, at its new place.
fn entry(id: HoldId, record: &Record, before: Option<Hold>) -> Result<Hold, ViolationKind> {
    Ok(Hold { seq: record.seq, ..mine(id, record, before)? })
}
