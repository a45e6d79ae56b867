//! Audits all ledgers of a source.

use std::collections::BTreeMap;

use draw::Leaf;
use inventory::{
    Hash,
    domain::{CustomerId, EventName, Hold, HoldId, HoldTerms, Items, Place, TimeMs, Waiting},
    ledger::{Change, Record},
};
use inventory_embedded::rows::place_key;

use super::{
    effects::Before,
    error::VerifyError,
    event::EventAudit,
    feed::Entry,
    keys::Keys,
    options::VerifyOptions,
    queue::UNCOMMITTED,
    report::Report,
    spill::Spill,
    violation::{Position, Violation, ViolationKind},
};

/// Audits records, event by event.
pub struct Auditor {
    current: Option<EventAudit>,
    done: BTreeMap<EventName, EventAudit>,
    /// A hold's row does not contain its terms.
    holds: Spill<(Hold, HoldTerms, Option<Waiting>)>,
    customers: Spill<u64>,
    places: Spill<Place>,
    keys: Keys,
    keys_max: u64,
    report: Report,
    customers_len: i64,
    newest_ms: TimeMs,
}

/// A record that passed the audit.
#[derive(Debug)]
pub struct Audited {
    /// The record.
    pub record: Record,
    /// The hold or reservation after the record.
    pub hold: Option<Hold>,
}

impl Auditor {
    /// An auditor that has read no record.
    #[must_use]
    pub fn new(options: &VerifyOptions) -> Self {
        let (entries, scratch) = (options.memory_entries, &options.scratch);
        Self {
            current: None,
            done: BTreeMap::new(),
            holds: Spill::new(entries, scratch.clone()),
            customers: Spill::new(entries, scratch.clone()),
            places: Spill::new(entries, scratch.clone()),
            keys: Keys::new(Spill::new(entries, scratch.clone())),
            keys_max: options.keys_max,
            report: Report::default(),
            customers_len: 0,
            newest_ms: 0,
        }
    }

    /// The number of records taken so far.
    #[must_use]
    pub fn records(&self) -> u64 {
        self.report.records
    }

    /// The event whose records are being read.
    #[must_use]
    pub fn current(&self) -> Option<&EventAudit> {
        self.current.as_ref()
    }

    /// The state of an event by the records read so far.
    #[must_use]
    pub fn event(&self, name: &EventName) -> Option<&EventAudit> {
        self.current.as_ref().filter(|event| event.name() == name).or_else(|| self.done.get(name))
    }

    /// What a customer has, held and bought.
    ///
    /// # Errors
    /// [`VerifyError::Scratch`].
    pub fn customer_has(
        &self,
        event: &EventName,
        customer: &CustomerId,
    ) -> Result<u64, VerifyError> {
        Ok(self.customers.get(&customer_row(event, customer))?.unwrap_or(0))
    }

    /// The hold or reservation as it is now.
    ///
    /// # Errors
    /// [`VerifyError::Scratch`].
    pub fn hold(&self, id: HoldId) -> Result<Option<Hold>, VerifyError> {
        let found = self.holds.get(id.as_bytes())?;
        Ok(found.map(|(hold, terms, waiting)| Hold { terms, waiting, ..hold }))
    }

    /// Whether an entry waits at `number`.
    pub(super) fn waits_at(&self, event: &EventName, number: u64, id: HoldId) -> bool {
        self.event(event).is_some_and(|event| event.waitlist().0.is_at(number, id))
    }

    /// A place of a waiting room as it is now.
    ///
    /// # Errors
    /// [`VerifyError::Scratch`].
    pub fn place(&self, event: &EventName, leaf: &Leaf) -> Result<Option<Place>, VerifyError> {
        self.places.get(&place_key(event, leaf))
    }

    /// Takes the next record.
    ///
    /// # Errors
    /// [`VerifyError::Violation`] with its position.
    pub fn push(&mut self, entry: &Entry) -> Result<Audited, VerifyError> {
        let wrong = |kind| Violation {
            at: Position::Record { event: entry.event.clone(), seq: entry.seq },
            kind,
        };
        self.report.records += 1;
        let record = Record::from_body(&entry.body)
            .map_err(|error| wrong(ViolationKind::NotARecord(error.to_string())))?;
        if record.event != entry.event || record.seq != entry.seq {
            return Err(
                wrong(ViolationKind::Misplaced { event: record.event, seq: record.seq }).into()
            );
        }
        self.turn_to(&entry.event).map_err(wrong)?;
        let before = record.change.hold().map(|id| self.hold(id)).transpose()?.flatten();
        let is_new = before.is_none();
        let is_over_limit = match &before {
            Some(hold) if matches!(record.change, Change::RefundDue { .. }) => {
                self.is_over_limit(&hold.event, hold.customer.as_ref(), &hold.items)?
            }
            _ => false,
        };
        let places = record.change.leaves().iter();
        let places = places.map(|leaf| Ok((*leaf, self.place(&record.event, leaf)?)));
        let places = places.collect::<Result<_, VerifyError>>()?;
        let over = record.change.over().map(|id| self.hold(id)).transpose()?.flatten();
        self.check_waitlist(&record.change)?.map_err(wrong)?;
        let before = Before { hold: before, is_over_limit, places, over };
        let Some(event) = &mut self.current else { unreachable!("an event was turned to") };
        let effects = event.push(&record, Hash::of(&entry.body), before).map_err(wrong)?;
        self.newest_ms = self.newest_ms.max(record.at_ms);
        if let Some((customer, more)) = &effects.customer {
            self.count(&record, customer, *more)?.map_err(wrong)?;
        } else if takes(&record.change)
            && self.limit().is_some()
            && effects.hold.as_ref().is_some_and(|hold| hold.customer.is_none())
        {
            // A hold without a customer that expired may be acquired again under a limit that came
            // later.
            if !matches!(record.change, Change::Confirmed { .. } | Change::HoldOffered { .. }) {
                return Err(wrong(ViolationKind::NoCustomer).into());
            }
        }
        if let Some(hold) = &effects.hold {
            self.report.holds += u64::from(is_new);
            self.keep(hold)?;
        }
        if let Some(over) = &effects.over {
            self.keep(over)?;
        }
        for (leaf, place) in effects.places {
            let Some(place) = place else { continue };
            self.report.places += u64::from(place.pass.is_none());
            self.places.insert(place_key(&record.event, &leaf), place)?;
        }
        self.keys.push(&record)?;
        Ok(Audited { record, hold: effects.hold })
    }

    fn keep(&mut self, hold: &Hold) -> Result<(), VerifyError> {
        let row = (hold.clone(), hold.terms.clone(), hold.waiting.clone());
        self.holds.insert(hold.id.as_bytes().to_vec(), row)
    }

    fn turn_to(&mut self, name: &EventName) -> Result<(), ViolationKind> {
        if self.current.as_ref().is_some_and(|event| event.name() == name) {
            return Ok(());
        }
        if self.done.contains_key(name) {
            return Err(ViolationKind::NotContiguous);
        }
        if let Some(event) = self.current.replace(EventAudit::new(name.clone())) {
            self.done.insert(event.name().clone(), event);
        }
        Ok(())
    }

    fn limit(&self) -> Option<u64> {
        self.current.as_ref().and_then(|event| event.settings().limit_per_customer)
    }

    /// Whether `customer` would have more than the limit of the event with `items` more.
    pub(super) fn is_over_limit(
        &self,
        event: &EventName,
        customer: Option<&CustomerId>,
        items: &Items,
    ) -> Result<bool, VerifyError> {
        let (Some(limit), Some(customer)) = (self.limit(), customer) else { return Ok(false) };
        Ok(self.customer_has(event, customer)?.saturating_add(items.total()) > limit)
    }

    /// Updates the customer's quantity. A record that takes items may not exceed the limit.
    fn count(
        &mut self,
        record: &Record,
        customer: &CustomerId,
        more: i128,
    ) -> Result<Result<(), ViolationKind>, VerifyError> {
        let row = customer_row(&record.event, customer);
        let before = self.customers.get(&row)?.unwrap_or(0);
        let Ok(has) = u64::try_from(i128::from(before) + more) else {
            return Ok(Err(ViolationKind::State(
                "a customer gives back more than was taken".into(),
            )));
        };
        self.customers_len += i64::from(has > 0) - i64::from(before > 0);
        self.customers.insert(row, has)?;
        match self.limit() {
            Some(limit) if takes(&record.change) && more > 0 && has > limit => {
                Ok(Err(ViolationKind::Limit { has, limit }))
            }
            _ => Ok(Ok(())),
        }
    }

    /// Ends the audit and checks the rules that need all records.
    ///
    /// # Errors
    /// [`VerifyError::Violation`].
    pub fn finish(mut self) -> Result<Ledgers, VerifyError> {
        if let Some(event) = self.current.take() {
            self.done.insert(event.name().clone(), event);
        }
        if let Some(event) = self.done.values().find(|event| event.needs_commitment) {
            let at = Position::Record { event: event.name().clone(), seq: event.seq() };
            return Err(Violation { at, kind: ViolationKind::Queue(UNCOMMITTED) }.into());
        }
        self.keys.check(self.keys_max)?;
        self.report.events = self.done.len() as u64;
        self.report.keyed = self.keys.keyed;
        self.report.keys_forgotten_early = self.keys.early;
        self.report.live_holds = self.done.values().map(|event| event.live().len() as u64).sum();
        self.report.sold = self
            .done
            .values()
            .flat_map(EventAudit::stocks)
            .fold(0, |sum: u64, (_, counts)| sum.saturating_add(counts.sold));
        Ok(Ledgers(self))
    }
}

/// All ledgers, read to their ends and valid.
pub struct Ledgers(Auditor);

impl Ledgers {
    /// Every event, by name.
    pub fn events(&self) -> impl Iterator<Item = &EventAudit> {
        self.0.done.values()
    }

    /// The sums.
    #[must_use]
    pub fn report(&self) -> &Report {
        &self.0.report
    }

    pub(super) fn auditor(&self) -> &Auditor {
        &self.0
    }

    pub(super) fn keys(&self) -> &Keys {
        &self.0.keys
    }

    /// The number of entries in waiting lists.
    pub(super) fn waiting(&self) -> u64 {
        self.events().map(|event| event.waitlist().0.len()).sum()
    }

    /// The number of customers with a quantity above 0.
    pub(super) fn customers_len(&self) -> u64 {
        self.0.customers_len.unsigned_abs()
    }

    /// The time of the newest record of all.
    pub(super) fn newest_ms(&self) -> TimeMs {
        self.0.newest_ms
    }
}

fn takes(change: &Change) -> bool {
    matches!(
        change,
        Change::Sold { .. }
            | Change::Held { .. }
            | Change::HoldOffered { .. }
            | Change::Confirmed { reacquired: true, .. }
    )
}

fn customer_row(event: &EventName, customer: &CustomerId) -> Vec<u8> {
    [event.as_str().as_bytes(), &[0], customer.as_str().as_bytes()].concat()
}
