//! One event's ledger, record by record.

use std::collections::{BTreeMap, BTreeSet};

use inventory::{
    Hash,
    domain::{
        CustomerId, Event, EventName, EventSettings, Hold, HoldId, HoldState, Items, Queue, Stock,
        StockName, TimeMs,
    },
    ledger::{Change, Record},
};

use super::{
    balance::{Balance, Counts, Flow},
    effects::{Before, Effects, items_of, known, mine, with_customer},
    money, queue,
    violation::ViolationKind,
    waitlist::WaitlistAudit,
};

/// The state of an event by the records read so far.
#[derive(Debug, Clone)]
pub struct EventAudit {
    name: EventName,
    seq: u64,
    head: Hash,
    at_ms: TimeMs,
    pub(super) settings: EventSettings,
    settings_seq: u64,
    pub(super) balance: Balance,
    /// Live holds, in the order of expiry.
    pub(super) live: BTreeSet<(TimeMs, HoldId)>,
    queue: Option<Queue>,
    /// The next record must commit to a draw.
    pub(super) needs_commitment: bool,
    pub(super) waitlist: WaitlistAudit,
}

pub(super) const TAKE_HELD: Flow = Flow { held: 1, sold: 0 };
const TAKE_SOLD: Flow = Flow { held: 0, sold: 1 };
const SELL_HELD: Flow = Flow { held: -1, sold: 1 };
pub(super) const GIVE_HELD: Flow = Flow { held: -1, sold: 0 };
const GIVE_SOLD: Flow = Flow { held: 0, sold: -1 };

impl EventAudit {
    pub(super) fn new(name: EventName) -> Self {
        Self {
            name,
            seq: 0,
            head: Hash::ZERO,
            at_ms: 0,
            settings: EventSettings::default(),
            settings_seq: 0,
            balance: Balance::default(),
            live: BTreeSet::new(),
            queue: None,
            needs_commitment: false,
            waitlist: WaitlistAudit::default(),
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &EventName {
        &self.name
    }

    /// The newest record's place.
    #[must_use]
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// The newest record's time.
    #[must_use]
    pub fn at_ms(&self) -> TimeMs {
        self.at_ms
    }

    /// Its settings.
    #[must_use]
    pub fn settings(&self) -> &EventSettings {
        &self.settings
    }

    /// The count of a stock.
    #[must_use]
    pub fn counts(&self, stock: &StockName) -> Option<Counts> {
        self.balance.0.get(stock).copied()
    }

    /// Every stock with its count, by name.
    pub fn stocks(&self) -> impl Iterator<Item = (&StockName, &Counts)> {
        self.balance.0.iter()
    }

    pub(super) fn live(&self) -> &BTreeSet<(TimeMs, HoldId)> {
        &self.live
    }

    /// The row that a store should have of it.
    pub(super) fn row(&self) -> Event {
        let stocks = self.stocks().map(|(name, counts)| {
            (
                name.clone(),
                Stock { capacity: counts.capacity, held: counts.held, sold: counts.sold },
            )
        });
        Event {
            name: self.name.clone(),
            settings: self.settings.clone(),
            stocks: stocks.collect(),
            seq: self.seq,
            settings_seq: self.settings_seq,
            head: self.head,
            at_ms: self.at_ms,
            live_holds: self.live.len() as u64,
            queue: self.queue.clone(),
            waitlist: self.waitlist.row(),
        }
    }

    /// Takes the next record, whose body has this hash. `before` is how things were before it.
    pub(super) fn push(
        &mut self,
        record: &Record,
        hash: Hash,
        before: Before,
    ) -> Result<Effects, ViolationKind> {
        if record.seq != self.seq + 1 {
            return Err(ViolationKind::Gap { expected: self.seq + 1 });
        }
        if record.prev != self.head {
            return Err(ViolationKind::Chain);
        }
        if record.at_ms < self.at_ms {
            return Err(ViolationKind::TimeWentBack { before_ms: self.at_ms, at_ms: record.at_ms });
        }
        if record.seq == 1 && !matches!(record.change, Change::EventPut { .. }) {
            return Err(ViolationKind::NotCreated);
        }
        self.check_expiries(record)?;
        queue::check_order(self.queue.as_ref(), &self.settings, self.needs_commitment, record)?;
        let effects = self.change(record, before)?;
        self.balance.check_left(items_of(&record.change).as_deref(), &record.left)?;
        self.seq = record.seq;
        self.head = hash;
        self.at_ms = record.at_ms;
        Ok(effects)
    }

    /// Holds that expired before a record must be recorded as expired before it.
    fn check_expiries(&self, record: &Record) -> Result<(), ViolationKind> {
        let Some((expires_at_ms, id)) =
            self.live.first().copied().filter(|(at_ms, _)| *at_ms <= record.at_ms)
        else {
            return Ok(());
        };
        match &record.change {
            Change::Expired { .. } => Ok(()),
            _ => Err(ViolationKind::Unexpired { id, expires_at_ms }),
        }
    }

    fn change(&mut self, record: &Record, before: Before) -> Result<Effects, ViolationKind> {
        let Before { hold: before, is_over_limit, places, over } = before;
        match &record.change {
            Change::EventPut { capacities, settings } => {
                self.balance.set_capacities(capacities)?;
                queue::check_put(self.queue.as_ref(), &self.settings, settings)?;
                self.queue = queue::after_put(self.queue.take(), settings, record.seq);
                self.needs_commitment =
                    queue::needs_commitment(self.queue.as_ref(), &self.settings, settings);
                self.settings = settings.clone();
                self.settings_seq = record.seq;
                Ok(Effects::of_event(Vec::new()))
            }
            Change::EventDeleted => {
                self.balance.set_capacities(&BTreeMap::new())?;
                self.settings = EventSettings::default();
                self.queue = None;
                self.settings_seq = record.seq;
                Ok(Effects::of_event(Vec::new()))
            }
            Change::Sold { id, items, customer, .. } => {
                let places = queue::spend(self.queue.as_mut(), record, *id, items.total(), places)?;
                let is_known = before.is_some();
                let effects = self.create(record, *id, items, customer.as_ref(), is_known, None)?;
                Ok(Effects { places, ..effects })
            }
            Change::Held { id, items, customer, expires_at_ms, .. } => {
                let places = queue::spend(self.queue.as_mut(), record, *id, items.total(), places)?;
                let (customer, is_known) = (customer.as_ref(), before.is_some());
                let until_ms = Some(*expires_at_ms);
                let effects = self.create(record, *id, items, customer, is_known, until_ms)?;
                Ok(Effects { places, ..effects })
            }
            Change::WaitlistJoined { .. }
            | Change::WaitlistLeft { .. }
            | Change::WaitlistCollected { .. }
            | Change::HoldOffered { .. } => self.change_waitlist(record, before, over),
            Change::Queue(change) => {
                let queue = self.queue.as_mut();
                let queue = queue.ok_or(ViolationKind::Queue("the event has none"))?;
                let situation = queue::Situation {
                    event: &self.settings,
                    left_and_held: self.balance.left_and_held(),
                    needs_commitment: std::mem::take(&mut self.needs_commitment),
                };
                queue::push(queue, &situation, record, change, places).map(Effects::of_event)
            }
            Change::PaymentStarted { id, items, expires_at_ms, payment_ref } => {
                let mut hold = self.held(*id, items, record, before)?;
                money::start_payment(&mut hold, payment_ref, *expires_at_ms)?;
                self.prolong(hold, *expires_at_ms)
            }
            Change::RefundDue { id, payment_ref, .. } => {
                let mut hold = mine(*id, record, before)?;
                if hold.state != HoldState::Expired {
                    return Err(ViolationKind::Hold {
                        id: *id,
                        why: "a refund is due, and it had not expired",
                    });
                }
                money::refund_due(&mut hold, payment_ref, &self.balance, is_over_limit)?;
                hold.seq = record.seq;
                Ok(Effects::of_hold(hold))
            }
            Change::Extended { id, items, expires_at_ms } => {
                let hold = self.held(*id, items, record, before)?;
                self.prolong(hold, *expires_at_ms)
            }
            Change::Confirmed { id, items, payment_ref, reacquired } => {
                let mut hold = if *reacquired {
                    self.expired(*id, items, record, before)?
                } else {
                    let hold = self.held(*id, items, record, before)?;
                    self.live.remove(&(hold.expires_at_ms, *id));
                    hold
                };
                money::check_payment(&hold, payment_ref.as_ref())?;
                self.balance.flow(items, if *reacquired { TAKE_SOLD } else { SELL_HELD })?;
                hold.state = HoldState::Confirmed;
                hold.confirmed_seq = Some(record.seq);
                hold.live = items.clone();
                hold.payment_ref = payment_ref.clone();
                let more = if *reacquired { i128::from(items.total()) } else { 0 };
                Ok(with_customer(hold, more))
            }
            Change::Released { id, items } => {
                let mut hold = self.held(*id, items, record, before)?;
                hold.state = HoldState::Released;
                self.give_back(hold, items)
            }
            Change::Expired { id, items } => {
                let mut hold = known(*id, items, record, before)?;
                if hold.state != HoldState::Held {
                    return Err(ViolationKind::Hold { id: *id, why: "expired, but was not held" });
                }
                if record.at_ms < hold.expires_at_ms {
                    return Err(ViolationKind::Hold { id: *id, why: "expired before its time" });
                }
                hold.state = HoldState::Expired;
                self.give_back(hold, items)
            }
            Change::Refunded { reservation, items, .. } => {
                let mut hold = mine(*reservation, record, before)?;
                if hold.state != HoldState::Confirmed {
                    return Err(ViolationKind::Hold {
                        id: *reservation,
                        why: "refunded, and was not sold",
                    });
                }
                let live = hold.live.without(items).filter(|_| !items.is_empty());
                hold.live = live.ok_or(ViolationKind::Hold {
                    id: *reservation,
                    why: "more is refunded than is left of it",
                })?;
                hold.seq = record.seq;
                self.balance.flow(items, GIVE_SOLD)?;
                Ok(with_customer(hold, -i128::from(items.total())))
            }
        }
    }

    /// Holds it until a later time.
    fn prolong(&mut self, mut hold: Hold, expires_at_ms: TimeMs) -> Result<Effects, ViolationKind> {
        if expires_at_ms < hold.expires_at_ms {
            return Err(ViolationKind::Hold { id: hold.id, why: "extension shortens it" });
        }
        self.live.remove(&(hold.expires_at_ms, hold.id));
        self.live.insert((expires_at_ms, hold.id));
        hold.expires_at_ms = expires_at_ms;
        Ok(Effects::of_hold(hold))
    }

    pub(super) fn is_closed(&self, at_ms: TimeMs) -> bool {
        self.settings.opens_at_ms.is_some_and(|opens_at_ms| at_ms < opens_at_ms)
            || self.settings.closes_at_ms.is_some_and(|closes_at_ms| at_ms >= closes_at_ms)
    }

    /// Whether the prices of `items` have a sum, without which they cannot be offered.
    pub(super) fn has_total(&self, items: &Items) -> bool {
        money::has_total(&self.settings, items)
    }

    /// The waiting list, and the stock that it waits for.
    pub(super) fn waitlist(&self) -> (&WaitlistAudit, &Balance) {
        (&self.waitlist, &self.balance)
    }

    fn create(
        &mut self,
        record: &Record,
        id: HoldId,
        items: &Items,
        customer: Option<&CustomerId>,
        is_known: bool,
        expires_at_ms: Option<TimeMs>,
    ) -> Result<Effects, ViolationKind> {
        if is_known {
            return Err(ViolationKind::Hold { id, why: "its id is used twice" });
        }
        if self.is_closed(record.at_ms) {
            return Err(ViolationKind::Closed);
        }
        if let Some(expires_at_ms) = expires_at_ms {
            if expires_at_ms <= record.at_ms {
                return Err(ViolationKind::Hold { id, why: "expired when it was created" });
            }
            self.live.insert((expires_at_ms, id));
        }
        let sold = expires_at_ms.is_none();
        self.balance.flow(items, if sold { TAKE_SOLD } else { TAKE_HELD })?;
        let hold = Hold {
            id,
            event: self.name.clone(),
            items: items.clone(),
            live: if sold { items.clone() } else { Items::none() },
            customer: customer.cloned(),
            state: if sold { HoldState::Confirmed } else { HoldState::Held },
            created_at_ms: record.at_ms,
            expires_at_ms: expires_at_ms.unwrap_or(0),
            payment_ref: None,
            seq: record.seq,
            confirmed_seq: sold.then_some(record.seq),
            terms: money::new_terms(&self.settings, id, items, record.change.total())?,
            waiting: None,
        };
        Ok(with_customer(hold, i128::from(items.total())))
    }

    /// The hold, which must be held and not expired.
    fn held(
        &self,
        id: HoldId,
        items: &Items,
        record: &Record,
        before: Option<Hold>,
    ) -> Result<Hold, ViolationKind> {
        let hold = known(id, items, record, before)?;
        if hold.state != HoldState::Held {
            return Err(ViolationKind::Hold { id, why: "no longer held" });
        }
        if hold.expires_at_ms <= record.at_ms {
            return Err(ViolationKind::Hold { id, why: "used after its expiry" });
        }
        Ok(hold)
    }

    /// The hold, which has expired.
    fn expired(
        &self,
        id: HoldId,
        items: &Items,
        record: &Record,
        before: Option<Hold>,
    ) -> Result<Hold, ViolationKind> {
        let hold = known(id, items, record, before)?;
        if hold.state != HoldState::Expired {
            return Err(ViolationKind::Hold { id, why: "acquired again without an expiry" });
        }
        Ok(hold)
    }

    fn give_back(&mut self, hold: Hold, items: &Items) -> Result<Effects, ViolationKind> {
        self.live.remove(&(hold.expires_at_ms, hold.id));
        self.balance.flow(items, GIVE_HELD)?;
        Ok(with_customer(hold, -i128::from(items.total())))
    }
}
