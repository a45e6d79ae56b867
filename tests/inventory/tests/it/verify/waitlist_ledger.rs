//! A ledger with a waiting list, and nothing wrong.

use std::collections::BTreeMap;

use inventory::{
    EventSettings, Items,
    domain::WaitlistSettings,
    ledger::{Change, Record},
};

use super::ledger::{T, id, record, sold};
use crate::support::{customer, items, stock};

pub const TTL: u64 = 1_000;
/// All tickets, which are sale 2.
pub const CAPACITY: u64 = 20;
/// The group, for three; the others wait for one each.
pub const GROUP: u8 = 100;
pub const FIRST: u8 = 101;
/// The last that comes before the group.
pub const TENTH: u8 = 110;
pub const LAST: u8 = 111;
/// An entry that leaves.
pub const LEAVES: u8 = 112;
/// One of customer `c`, and the next one.
pub const LIMITED: u8 = 113;
pub const NEXT: u8 = 114;

pub fn general(qty: u64) -> Items {
    items(&[("general", qty)])
}

pub fn settings() -> EventSettings {
    let waitlist = Some(WaitlistSettings { offer_ttl_ms: TTL });
    EventSettings { waitlist, ..EventSettings::default() }
}

pub fn put(settings: EventSettings) -> Change {
    Change::EventPut { capacities: BTreeMap::from([(stock("general"), CAPACITY)]), settings }
}

pub fn named(number: u8) -> Option<inventory::CustomerId> {
    (number == LIMITED).then(|| customer("c"))
}

pub fn joined(number: u8, qty: u64) -> Change {
    Change::WaitlistJoined { id: id(number), items: general(qty), customer: named(number) }
}

pub fn left_list(number: u8, kept: u64) -> Change {
    let items = if kept > 0 { general(kept) } else { Items::none() };
    Change::WaitlistLeft { id: id(number), items }
}

pub fn collected(number: u8, qty: u64) -> Change {
    Change::WaitlistCollected { id: id(number), items: general(qty) }
}

pub fn refunded(number: u8, qty: u64) -> Change {
    Change::Refunded { id: id(number), reservation: id(2), items: general(qty) }
}

/// The offer at `at_ms` of what an entry waits for.
pub fn offered(number: u8, at_ms: u64, over: Option<u8>) -> Change {
    Change::HoldOffered {
        id: id(number),
        items: general(if number == GROUP { 3 } else { 1 }),
        customer: named(number),
        expires_at_ms: at_ms + TTL,
        total: None,
        over: over.map(id),
    }
}

/// A ledger that is written record by record, one each millisecond.
#[derive(Default)]
pub struct Ledger {
    records: Vec<Record>,
    left: u64,
}

impl Ledger {
    pub fn now_ms(&self) -> u64 {
        T + self.records.len() as u64
    }

    pub fn push(&mut self, change: Change, left: u64) {
        self.left = left;
        let names_none = matches!(&change, Change::WaitlistLeft { items, .. } if items.is_empty());
        let left = [("general", left)];
        let left = if names_none { &left[..0] } else { &left[..] };
        let (seq, at_ms) = (self.records.len() as u64 + 1, self.now_ms());
        self.records.push(record(seq, at_ms, change, left));
    }

    pub fn offer(&mut self, number: u8, over: Option<u8>) {
        self.push(offered(number, self.now_ms(), over), 0);
    }

    /// One ticket returns.
    pub fn refund(&mut self) {
        let number = 150 + u8::try_from(self.records.len()).unwrap();
        self.push(refunded(number, 1), 1);
    }
}

/// A ledger with every kind of record about a waiting list, and nothing wrong.
pub fn good() -> Vec<Record> {
    let mut ledger = Ledger::default();
    ledger.push(put(settings()), CAPACITY);
    let Change::Sold { id, items, total, place, .. } = sold(2, CAPACITY) else { unreachable!() };
    ledger.push(Change::Sold { id, items, customer: None, total, place }, 0);
    ledger.push(joined(GROUP, 3), 0);
    for number in FIRST..=NEXT {
        ledger.push(joined(number, 1), 0);
    }
    for number in FIRST..=TENTH {
        ledger.refund();
        ledger.offer(number, Some(GROUP));
    }
    for _ in 0..2 {
        ledger.refund();
        ledger.push(collected(GROUP, 1), 0);
    }
    ledger.refund();
    ledger.offer(GROUP, None);
    ledger.push(left_list(LEAVES, 0), 0);
    ledger.refund();
    ledger.offer(LAST, None);
    // `c` has reached its limit, and is passed over.
    ledger.push(Change::Released { id: super::ledger::id(FIRST), items: general(1) }, 1);
    ledger.offer(LIMITED, None);
    ledger.push(Change::Released { id: super::ledger::id(LAST), items: general(1) }, 1);
    ledger.offer(NEXT, None);
    ledger.records
}

/// The place of the record with this change, counted from 0.
pub fn place(change: impl Fn(&Change) -> bool) -> usize {
    good().iter().position(|record| change(&record.change)).unwrap()
}

pub fn place_of_offer(number: u8) -> usize {
    place(|change| matches!(change, Change::HoldOffered { id: of, .. } if *of == id(number)))
}
