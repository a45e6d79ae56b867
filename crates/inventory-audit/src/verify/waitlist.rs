//! The waiting list of one event, record by record.

use std::collections::{BTreeMap, BTreeSet};

use inventory::{
    domain::{CustomerId, Hold, HoldId, HoldState, HoldTerms, Items, TimeMs, Waiting, Waitlist},
    ledger::Record,
};

use super::{balance::Balance, effects::mine, violation::ViolationKind};

/// Offers to others that take what an entry needs, after which what returns is kept for it.
const PASSED_OVER_MAX: u32 = 10;
/// Entries that an offer looks at.
const LOOKED_AT: usize = 256;

fn wrong(why: &'static str) -> ViolationKind {
    ViolationKind::Waitlist(why)
}

/// An entry that waits.
#[derive(Debug, Clone)]
pub struct Entry {
    pub id: HoldId,
    pub customer: Option<CustomerId>,
    /// All of its items.
    pub items: Items,
    /// What it still needs.
    pub rest: Items,
    passed_over: u32,
}

/// The entries by number, and how many have joined.
#[derive(Debug, Clone, Default)]
pub struct WaitlistAudit {
    entries: BTreeMap<u64, Entry>,
    joined: u64,
}

impl WaitlistAudit {
    pub fn row(&self) -> Waitlist {
        Waitlist { waiting: self.entries.len() as u64, joined: self.joined }
    }

    /// Whether `id` waits at `number`.
    pub fn is_at(&self, number: u64, id: HoldId) -> bool {
        self.entries.get(&number).is_some_and(|entry| entry.id == id)
    }

    pub fn len(&self) -> u64 {
        self.entries.len() as u64
    }

    /// The entries that an offer looks at, in order.
    pub fn looked_at(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values().take(LOOKED_AT)
    }

    /// What may be kept for `entry`, as far as it is there: its rest, if it was passed over often
    /// enough, without the stocks that entries need which it waits for. It waits for those that
    /// keep what it needs, for those that keep what these need, and so on.
    pub fn kept_for(&self, entry: &Entry) -> Items {
        if entry.passed_over < PASSED_OVER_MAX {
            return Items::none();
        }
        let is_other = |other: &&Entry| other.id != entry.id && !other.kept().is_empty();
        let mut others: Vec<&Entry> = self.looked_at().filter(is_other).collect();
        let mut waits_for = entry.rest.clone();
        let mut reserved = BTreeSet::new();
        while let Some(at) = others.iter().position(|other| other.kept().shares(&waits_for)) {
            let other = others.swap_remove(at);
            waits_for = waits_for.and(&other.rest);
            reserved.extend(other.rest.iter().map(|item| item.stock.clone()));
        }
        entry.rest.at_most(|stock| if reserved.contains(stock) { 0 } else { u64::MAX })
    }

    pub fn join(
        &mut self,
        record: &Record,
        id: HoldId,
        items: &Items,
        customer: Option<&CustomerId>,
    ) -> Hold {
        let waiting = Waiting { number: self.joined, passed_over: 0, collected: Items::none() };
        let (rest, customer) = (items.clone(), customer.cloned());
        let entry =
            Entry { id, customer: customer.clone(), items: items.clone(), rest, passed_over: 0 };
        self.entries.insert(self.joined, entry);
        self.joined += 1;
        Hold {
            id,
            event: record.event.clone(),
            items: items.clone(),
            live: Items::none(),
            customer,
            state: HoldState::Waiting,
            created_at_ms: record.at_ms,
            expires_at_ms: 0,
            payment_ref: None,
            seq: record.seq,
            confirmed_seq: None,
            terms: HoldTerms::default(),
            waiting: Some(waiting),
        }
    }

    /// The entry leaves, and gives back what was kept for it.
    pub fn leave(&mut self, mut hold: Hold, kept: &Items) -> Result<Hold, ViolationKind> {
        let waiting = self.take(&mut hold)?;
        if waiting.collected != *kept {
            return Err(wrong("other items were kept for the entry that leaves"));
        }
        hold.state = HoldState::Released;
        Ok(hold)
    }

    pub fn collect(&mut self, mut hold: Hold, items: &Items) -> Result<Hold, ViolationKind> {
        let waiting = hold.waiting.as_mut().ok_or(wrong("the entry does not wait"))?;
        let entry = self.entries.get(&waiting.number).ok_or(wrong("the entry does not wait"))?;
        let rest = entry.rest.without(items).ok_or(wrong("too much is kept for an entry"))?;
        if items.is_empty() || self.kept_for(entry).without(items).is_none() {
            return Err(wrong("something is kept for an entry that may not have it yet"));
        }
        if let Some(entry) = self.entries.get_mut(&waiting.number) {
            entry.rest = rest;
        }
        waiting.collected = waiting.collected.and(items);
        Ok(hold)
    }

    /// The entry becomes a hold; also what was not kept for it.
    pub fn offer(
        &mut self,
        record: &Record,
        mut hold: Hold,
        items: &Items,
        expires_at_ms: TimeMs,
    ) -> Result<(Hold, Items), ViolationKind> {
        if hold.items != *items {
            return Err(wrong("an offer has other items than its entry"));
        }
        let waiting = self.take(&mut hold)?;
        let rest = items.without(&waiting.collected).ok_or(wrong("too much was kept"))?;
        hold.state = HoldState::Held;
        hold.created_at_ms = record.at_ms;
        hold.expires_at_ms = expires_at_ms;
        Ok((hold, rest))
    }

    /// The entry that an offer passed over.
    pub fn pass_over(
        &mut self,
        record: &Record,
        over: Option<HoldId>,
        before: Option<Hold>,
    ) -> Result<Option<Hold>, ViolationKind> {
        let Some(id) = over else { return Ok(None) };
        let mut hold = mine(id, record, before)?;
        let waiting = hold.waiting.as_mut().ok_or(wrong("the entry does not wait"))?;
        waiting.passed_over += 1;
        if let Some(entry) = self.entries.get_mut(&waiting.number) {
            entry.passed_over += 1;
        }
        hold.seq = record.seq;
        Ok(Some(hold))
    }

    fn take(&mut self, hold: &mut Hold) -> Result<Waiting, ViolationKind> {
        let waiting = hold.waiting.take().filter(|_| hold.state == HoldState::Waiting);
        let waiting = waiting.ok_or(wrong("the entry does not wait"))?;
        self.entries.remove(&waiting.number).ok_or(wrong("the entry does not wait"))?;
        Ok(waiting)
    }
}

impl Entry {
    /// Whether all that it still needs is there.
    pub fn fits(&self, balance: &Balance) -> bool {
        self.rest.iter().all(|item| {
            let counts = balance.0.get(&item.stock);
            counts.and_then(super::Counts::available).is_some_and(|left| item.qty <= left)
        })
    }

    /// What is kept for it.
    fn kept(&self) -> Items {
        self.items.without(&self.rest).unwrap_or(Items::none())
    }
}
