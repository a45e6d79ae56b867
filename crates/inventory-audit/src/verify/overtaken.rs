//! What a record may take while entries of the waiting list need it.

use inventory::{
    domain::{HoldId, Items},
    ledger::Change,
};

use super::{
    VerifyError, audit::Auditor, event::EventAudit, violation::ViolationKind, waitlist::Entry,
};

const FITS: &str = "an offer passes over an entry that fits";
const WAITS: &str = "something was available while an entry waited that fits";
const UNNAMED: &str =
    "an offer does not name the first entry that needs what it takes, which it passes over";
const TOO_OFTEN: &str = "something was taken that should be kept for an entry";
const LOST: &str = "something is kept for an entry that may not have its items";

impl Auditor {
    /// Whether `change` leaves to the entries of the waiting list what they should be offered, and
    /// names the entry that it passes over.
    pub(super) fn check_waitlist(
        &self,
        change: &Change,
    ) -> Result<Result<(), ViolationKind>, VerifyError> {
        let Some(event) = self.current() else { return Ok(Ok(())) };
        let found = match change {
            Change::HoldOffered { id, over, .. } => self.offer(event, *id, *over)?,
            Change::WaitlistCollected { id, items } => self.collect(event, *id, items)?,
            Change::Sold { items, .. } | Change::Held { items, .. } => {
                match self.fitting(event, None)? {
                    Some(_) => Some(WAITS),
                    None => self.kept(event, None, items)?,
                }
            }
            _ => None,
        };
        Ok(found.map_or(Ok(()), |why| Err(ViolationKind::Waitlist(why))))
    }

    /// What is wrong with an offer to `id` that names `over`.
    fn offer(
        &self,
        event: &EventAudit,
        id: HoldId,
        over: Option<HoldId>,
    ) -> Result<Option<&'static str>, VerifyError> {
        if self.fitting(event, Some(id))?.is_some() {
            return Ok(Some(FITS));
        }
        let list = event.waitlist().0;
        let Some(offered) = list.looked_at().find(|entry| entry.id == id) else { return Ok(None) };
        let is_overtaken = |entry: &Entry| entry.rest.shares(&offered.items);
        let expected = self.first(event, Some(id), is_overtaken)?.map(|entry| entry.id);
        if over != expected {
            return Ok(Some(UNNAMED));
        }
        self.kept(event, Some(id), &offered.rest)
    }

    /// What is wrong with taking `items` from the entries before `before`, or from all.
    fn kept(
        &self,
        event: &EventAudit,
        before: Option<HoldId>,
        items: &Items,
    ) -> Result<Option<&'static str>, VerifyError> {
        let list = event.waitlist().0;
        let found = self.first(event, before, |entry| list.kept_for(entry).shares(items))?;
        Ok(found.map(|_| TOO_OFTEN))
    }

    /// What is wrong with keeping something for `id`.
    fn collect(
        &self,
        event: &EventAudit,
        id: HoldId,
        items: &Items,
    ) -> Result<Option<&'static str>, VerifyError> {
        if self.fitting(event, Some(id))?.is_some() {
            return Ok(Some(FITS));
        }
        let mut entries = event.waitlist().0.looked_at();
        let Some(entry) = entries.find(|entry| entry.id == id) else { return Ok(None) };
        if !self.may_have(event, entry)? {
            return Ok(Some(LOST));
        }
        self.kept(event, Some(id), items)
    }

    /// The first of the entries before `before`, or of all that an offer looks at, that can have
    /// its items now.
    fn fitting<'a>(
        &self,
        event: &'a EventAudit,
        before: Option<HoldId>,
    ) -> Result<Option<&'a Entry>, VerifyError> {
        self.first(event, before, |entry| entry.fits(event.waitlist().1))
    }

    /// The first of these entries that `is_meant`, and that could have its items.
    fn first<'a>(
        &self,
        event: &'a EventAudit,
        before: Option<HoldId>,
        is_meant: impl Fn(&Entry) -> bool,
    ) -> Result<Option<&'a Entry>, VerifyError> {
        let entries = event.waitlist().0.looked_at();
        for entry in entries.take_while(|entry| Some(entry.id) != before) {
            if is_meant(entry) && self.may_have(event, entry)? {
                return Ok(Some(entry));
            }
        }
        Ok(None)
    }

    /// Whether the entry could have its items if they were there.
    fn may_have(&self, event: &EventAudit, entry: &Entry) -> Result<bool, VerifyError> {
        let is_over = self.is_over_limit(event.name(), entry.customer.as_ref(), &entry.items)?;
        let has_capacity = event.waitlist().1.has_capacity(&entry.items);
        Ok(!is_over && has_capacity && event.has_total(&entry.items))
    }
}
