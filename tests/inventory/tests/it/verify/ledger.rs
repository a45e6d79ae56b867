//! A valid ledger, and its audit.

use std::collections::BTreeMap;

use inventory::{
    EventSettings, Hash, HoldId, IdempotencyKey, KeyUse, Limits,
    ledger::{Change, Record},
};
use inventory_audit::verify::{Auditor, Entry, VerifyError, VerifyOptions};

use crate::support::{customer, event, items, reserve, stock};

/// Audits records event by event; few entries are kept in memory, so that the scratch files are
/// used.
pub fn audit(
    records: impl IntoIterator<Item = (inventory::EventName, u64, Vec<u8>)>,
    limits: &Limits,
) -> Result<Auditor, VerifyError> {
    let mut auditor = Auditor::new(&VerifyOptions {
        memory_entries: 16,
        keys_max: limits.keys_max,
        ..VerifyOptions::default()
    });
    for (event, seq, body) in records {
        auditor.push(&Entry { event, seq, body })?;
    }
    Ok(auditor)
}

pub const T: u64 = 1_000_000;

pub fn record(seq: u64, at_ms: u64, change: Change, left: &[(&str, u64)]) -> Record {
    let left = left.iter().map(|(name, qty)| (stock(name), *qty)).collect();
    Record { event: event("default"), seq, prev: Hash::ZERO, at_ms, change, left, key: None }
}

pub fn id(number: u8) -> HoldId {
    HoldId::new(1, [number; 10])
}

pub fn event_put(capacity: u64, settings: EventSettings) -> Change {
    Change::EventPut { capacities: BTreeMap::from([(stock("general"), capacity)]), settings }
}

pub fn sold(number: u8, qty: u64) -> Change {
    Change::Sold {
        id: id(number),
        items: items(&[("general", qty)]),
        customer: Some(customer("c")),
        total: None,
        place: None,
    }
}

pub fn held(number: u8, qty: u64, expires_at_ms: u64) -> Change {
    Change::Held {
        id: id(number),
        items: items(&[("general", qty)]),
        customer: None,
        expires_at_ms,
        total: None,
        place: None,
    }
}

pub fn used(text: &str, expires_at_ms: u64) -> Option<KeyUse> {
    let fingerprint = reserve("default", 1).fingerprint();
    Some(KeyUse { expires_at_ms, fingerprint, key: IdempotencyKey::new(text).unwrap() })
}

/// A ledger in which everything happens, and nothing is wrong.
pub fn good() -> Vec<Record> {
    let general = |qty| items(&[("general", qty)]);
    let confirmed = |number, qty, reacquired| Change::Confirmed {
        id: id(number),
        items: general(qty),
        payment_ref: None,
        reacquired,
    };
    let settings = EventSettings {
        limit_per_customer: Some(8),
        closes_at_ms: Some(T + 5_000),
        ..EventSettings::default()
    };
    let mut records = vec![
        record(1, T, event_put(10, EventSettings::default()), &[("general", 10)]),
        record(2, T + 10, sold(2, 4), &[("general", 6)]),
        record(3, T + 20, held(3, 3, T + 1_000), &[("general", 3)]),
        record(
            4,
            T + 30,
            Change::Extended { id: id(3), items: general(3), expires_at_ms: T + 2_000 },
            &[("general", 3)],
        ),
        record(5, T + 40, confirmed(3, 3, false), &[("general", 3)]),
        record(6, T + 50, held(6, 2, T + 500), &[("general", 1)]),
        record(7, T + 500, Change::Expired { id: id(6), items: general(2) }, &[("general", 3)]),
        record(8, T + 510, confirmed(6, 2, true), &[("general", 1)]),
        record(9, T + 520, held(9, 1, T + 900), &[("general", 0)]),
        record(10, T + 530, Change::Released { id: id(9), items: general(1) }, &[("general", 1)]),
        record(
            11,
            T + 540,
            Change::Refunded { id: id(11), reservation: id(2), items: general(1) },
            &[("general", 2)],
        ),
        record(12, T + 550, event_put(11, settings), &[("general", 3)]),
        record(13, T + 560, sold(13, 1), &[("general", 2)]),
    ];
    records[1].key = used("once", T + 100_000);
    records
}

/// Chains the records again, so that only the change of a test is wrong.
pub fn chain(mut records: Vec<Record>) -> Vec<(inventory::EventName, u64, Vec<u8>)> {
    let mut prev = Hash::ZERO;
    let bodies = records.iter_mut().zip(1..).map(|(record, place)| {
        record.prev = prev;
        let body = record.to_body();
        prev = Hash::of(&body);
        (event("default"), place, body)
    });
    bodies.collect()
}
