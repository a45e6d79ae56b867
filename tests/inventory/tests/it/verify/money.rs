//! Violations of the rules about prices and payments.

use std::collections::BTreeMap;

use inventory::{
    Currency, CustomerId, EventSettings, Limits, Money, PaymentRef, Prices,
    domain::REFUNDS_DUE_MAX,
    ledger::{Change, Record},
};
use inventory_audit::verify::ViolationKind::{self, Left, Unexpired};

use super::{
    ledger::{T, audit, chain, id, record},
    rules::violation,
};
use crate::support::{event, items, stock};

const NOT_THE_PRICE: &str = "its total is not the price of its items";
const TWICE_STARTED: &str = "two payments of it started";
const NOT_EXPIRED: &str = "a refund is due, and it had not expired";
const ITEMS_THERE: &str = "a refund is due, but its items are there";
const TWICE_DUE: &str = "a refund is due twice for one payment";
const REFUNDED: &str = "sold for a payment that is refunded";

fn money(amount_minor: u64, currency: &str) -> Option<Money> {
    Some(Money { amount_minor, currency: Currency::new(currency).unwrap() })
}

fn eur(amount_minor: u64) -> Option<Money> {
    money(amount_minor, "EUR")
}

fn paid(text: &str) -> PaymentRef {
    PaymentRef::new(text).unwrap()
}

fn put(general: u64, price: Option<Money>) -> Change {
    let prices: Prices = price.map(|price| (stock("general"), price)).into_iter().collect();
    Change::EventPut {
        capacities: BTreeMap::from([(stock("free"), 9), (stock("general"), general)]),
        settings: EventSettings { prices, ..EventSettings::default() },
    }
}

fn held(number: u8, wanted: &[(&str, u64)], until_ms: u64, total: Option<Money>) -> Change {
    let items = items(wanted);
    Change::Held {
        id: id(number),
        items,
        customer: None,
        expires_at_ms: until_ms,
        total,
        place: None,
    }
}

fn sold(number: u8, wanted: &[(&str, u64)], total: Option<Money>) -> Change {
    Change::Sold { id: id(number), items: items(wanted), customer: None, total, place: None }
}

fn started(number: u8, qty: u64, until_ms: u64, payment: &str) -> Change {
    Change::PaymentStarted {
        id: id(number),
        items: items(&[("general", qty)]),
        expires_at_ms: until_ms,
        payment_ref: paid(payment),
    }
}

fn due(number: u8, payment: &str) -> Change {
    Change::RefundDue { id: id(number), payment_ref: paid(payment), amount: eur(300) }
}

fn confirmed(number: u8, qty: u64, payment: Option<&str>, reacquired: bool) -> Change {
    Change::Confirmed {
        id: id(number),
        items: items(&[("general", qty)]),
        payment_ref: payment.map(paid),
        reacquired,
    }
}

/// A ledger with every kind of record about money, and nothing wrong.
fn good() -> Vec<Record> {
    let general = |qty| items(&[("general", qty)]);
    let left = |qty| [("general", qty)];
    vec![
        record(1, T, put(5, eur(100)), &[("free", 9), ("general", 5)]),
        record(
            2,
            T + 1,
            sold(2, &[("free", 1), ("general", 1)], eur(100)),
            &[("free", 8), ("general", 4)],
        ),
        record(3, T + 2, held(3, &[("general", 3)], T + 500, eur(300)), &left(1)),
        record(4, T + 3, started(3, 3, T + 900, "a"), &left(1)),
        record(5, T + 4, put(5, eur(200)), &[("free", 8), ("general", 1)]),
        record(6, T + 900, Change::Expired { id: id(3), items: general(3) }, &left(4)),
        record(7, T + 901, sold(7, &[("general", 3)], eur(600)), &left(1)),
        record(8, T + 902, due(3, "a"), &[]),
        record(9, T + 903, due(3, "b"), &[]),
        record(
            10,
            T + 904,
            Change::Refunded { id: id(10), reservation: id(7), items: general(3) },
            &left(4),
        ),
        record(11, T + 905, confirmed(3, 3, Some("c"), true), &left(1)),
        record(12, T + 906, held(12, &[("general", 1)], T + 2_000, eur(200)), &left(0)),
        record(13, T + 907, started(12, 1, T + 2_000, "d"), &left(0)),
        record(14, T + 908, confirmed(12, 1, Some("d"), false), &left(0)),
        record(15, T + 909, put(6, None), &[("free", 8), ("general", 1)]),
        record(16, T + 910, held(16, &[("general", 1)], T + 950, None), &left(0)),
        record(17, T + 911, sold(17, &[("free", 1)], None), &[("free", 7)]),
        record(18, T + 950, Change::Expired { id: id(16), items: general(1) }, &left(1)),
    ]
}

/// Puts `change` in the place of record `seq`, and returns the violation.
fn instead(seq: usize, change: Change) -> (u64, ViolationKind) {
    let mut records = good();
    records[seq - 1].change = change;
    violation(chain(records))
}

/// Inserts `change` after record `seq`, with the time of that record, and returns the violation.
fn after(seq: usize, change: Change, left: &[(&str, u64)]) -> (u64, ViolationKind) {
    violation(chain(with(seq, change, left)))
}

fn with(seq: usize, change: Change, left: &[(&str, u64)]) -> Vec<Record> {
    let mut records = good();
    let at_ms = records[seq - 1].at_ms;
    records.insert(seq, record(0, at_ms, change, left));
    for (record, seq) in records.iter_mut().zip(1..) {
        record.seq = seq;
    }
    records
}

#[track_caller]
fn assert_hold(found: (u64, ViolationKind), seq: u64, number: u8, expected: &str) {
    match found.1 {
        ViolationKind::Hold { id: hold, why } => {
            assert_eq!((found.0, hold, why), (seq, id(number), expected));
        }
        other => panic!("seq {}: {other}", found.0),
    }
}

#[test]
fn valid_ledger_with_money_passes() {
    let ledgers = audit(chain(good()), &Limits::default()).unwrap().finish().unwrap();
    let report = ledgers.report();
    assert_eq!((report.records, report.holds, report.live_holds), (18, 6, 0));
    // Also where the records are those of a shop without prices.
    let with_one_more = with(18, sold(19, &[("general", 1)], None), &[("general", 0)]);
    audit(chain(with_one_more), &Limits::default()).unwrap().finish().unwrap();
}

#[test]
fn total_is_the_price_at_that_moment() {
    let of_sale = |total| instead(2, sold(2, &[("free", 1), ("general", 1)], total));
    let of_hold = |total| instead(3, held(3, &[("general", 3)], T + 500, total));
    for total in [eur(99), eur(101), eur(200), eur(0), money(100, "USD"), None] {
        assert_hold(of_sale(total), 2, 2, NOT_THE_PRICE);
    }
    for total in [eur(299), eur(301), eur(100), eur(600), money(300, "USD"), None] {
        assert_hold(of_hold(total), 3, 3, NOT_THE_PRICE);
    }
    // The old price after it changed, and the new one too early.
    assert_hold(instead(7, sold(7, &[("general", 3)], eur(300))), 7, 7, NOT_THE_PRICE);
    assert_hold(
        instead(12, held(12, &[("general", 1)], T + 2_000, eur(100))),
        12,
        12,
        NOT_THE_PRICE,
    );
    assert_hold(instead(1, put(5, eur(101))), 2, 2, NOT_THE_PRICE);
    assert_hold(instead(5, put(5, eur(201))), 7, 7, NOT_THE_PRICE);
    // A total where nothing has a price, also one of nothing.
    for total in [eur(200), eur(0)] {
        assert_hold(
            instead(16, held(16, &[("general", 1)], T + 950, total)),
            16,
            16,
            NOT_THE_PRICE,
        );
        assert_hold(instead(17, sold(17, &[("free", 1)], total)), 17, 17, NOT_THE_PRICE);
    }
    assert_hold(instead(1, put(5, None)), 2, 2, NOT_THE_PRICE);
}

#[test]
fn total_in_mixed_currencies_is_a_violation() {
    let prices = Prices::from([
        (stock("free"), money(100, "USD").unwrap()),
        (stock("general"), money(100, "EUR").unwrap()),
    ]);
    let capacities = BTreeMap::from([(stock("free"), 9), (stock("general"), 5)]);
    let settings = EventSettings { prices, ..EventSettings::default() };
    let put = Change::EventPut { capacities, settings };
    for total in [eur(100), eur(200), money(200, "USD"), None] {
        let mut records = good()[..2].to_vec();
        records[0].change = put.clone();
        records[1].change = sold(2, &[("free", 1), ("general", 1)], total);
        assert_hold(violation(chain(records)), 2, 2, NOT_THE_PRICE);
    }
}

#[test]
fn payment_starts_once_and_shortens_nothing() {
    // A repeated request with a key has a record of its own, which changes nothing.
    let again = after(4, started(3, 3, T + 901, "a"), &[("general", 1)]);
    assert_hold(again, 5, 3, "its payment extends it twice");
    assert_hold(after(4, started(3, 3, T + 900, "b"), &[("general", 1)]), 5, 3, TWICE_STARTED);
    assert_hold(
        after(13, started(12, 1, T + 3_000, "e"), &[("general", 0)]),
        14,
        12,
        TWICE_STARTED,
    );
    assert_hold(instead(4, started(3, 3, T + 499, "a")), 4, 3, "extension shortens it");
    assert_hold(instead(4, started(3, 2, T + 900, "a")), 4, 3, "other items than the hold's");
    assert_hold(instead(4, started(99, 3, T + 900, "a")), 4, 99, "hold not found");
    // Of a hold that is sold, or has expired.
    assert_hold(instead(4, started(2, 1, T + 900, "a")), 4, 2, "other items than the hold's");
    assert_hold(
        after(14, started(12, 1, T + 3_000, "d"), &[("general", 0)]),
        15,
        12,
        "no longer held",
    );
    assert_hold(after(7, started(3, 3, T + 3_000, "a"), &[("general", 1)]), 8, 3, "no longer held");
    // The time that it was given counts: an earlier expiry is none, and a later one is missing.
    let mut early = good();
    early[5].at_ms = T + 899;
    assert_hold(violation(chain(early)), 6, 3, "expired before its time");
    let later = instead(4, started(3, 3, T + 901, "a"));
    assert_hold(later, 6, 3, "expired before its time");
    let sooner = instead(13, started(12, 1, T + 907, "d"));
    assert_hold(sooner, 13, 12, "extension shortens it");
    let mut unwritten = good();
    unwritten[4].at_ms = T + 900;
    assert_eq!(violation(chain(unwritten)), (5, Unexpired { id: id(3), expires_at_ms: T + 900 }));
}

#[test]
fn refund_is_due_once_and_only_for_items_that_are_gone() {
    for seq in [8, 9, 10] {
        let at = u64::try_from(seq).unwrap() + 1;
        let why = if seq == 10 { ITEMS_THERE } else { TWICE_DUE };
        assert_hold(after(seq, due(3, "a"), &[]), at, 3, why);
    }
    assert_hold(instead(9, due(3, "a")), 9, 3, TWICE_DUE);
    // Before the items were sold, and after they came back.
    assert_hold(after(6, due(3, "a"), &[]), 7, 3, ITEMS_THERE);
    assert_hold(after(10, due(3, "z"), &[]), 11, 3, ITEMS_THERE);
    assert_hold(after(18, due(16, "z"), &[]), 19, 16, ITEMS_THERE);
    // While the hold is held, when it is sold, and of none.
    assert_hold(after(4, due(3, "a"), &[]), 5, 3, NOT_EXPIRED);
    assert_hold(after(11, due(3, "z"), &[]), 12, 3, NOT_EXPIRED);
    assert_hold(after(12, due(12, "z"), &[]), 13, 12, NOT_EXPIRED);
    assert_hold(instead(8, due(7, "a")), 8, 7, NOT_EXPIRED);
    assert_hold(instead(8, due(99, "a")), 8, 99, "hold not found");
    // It moves nothing, so it leaves nothing.
    let mut records = good();
    records[7].left = vec![(stock("general"), 1)];
    assert_eq!(violation(chain(records)), (8, Left));
}

#[test]
fn refund_due_of_a_stock_that_is_gone_passes() {
    let general = |qty| items(&[("general", qty)]);
    let free = BTreeMap::from([(stock("free"), 9)]);
    let without = Change::EventPut { capacities: free, settings: EventSettings::default() };
    let records = |gone: Change, left: &[(&str, u64)]| {
        vec![
            record(1, T, put(5, eur(100)), &[("free", 9), ("general", 5)]),
            record(2, T + 1, held(2, &[("general", 3)], T + 10, eur(300)), &[("general", 2)]),
            record(3, T + 10, Change::Expired { id: id(2), items: general(3) }, &[("general", 5)]),
            record(4, T + 11, gone, left),
            record(5, T + 12, due(2, "a"), &[]),
        ]
    };
    for (gone, left) in [
        (without, vec![("free", 9)]),
        (Change::EventDeleted, vec![]),
        (put(2, eur(100)), vec![("free", 9), ("general", 2)]),
    ] {
        audit(chain(records(gone, &left)), &Limits::default()).unwrap().finish().unwrap();
    }
    let enough = records(put(3, eur(100)), &[("free", 9), ("general", 3)]);
    assert_hold(violation(chain(enough)), 5, 2, ITEMS_THERE);
}

#[test]
fn refund_due_of_a_customer_at_the_limit_passes() {
    let ada = || Some(CustomerId::new("ada").unwrap());
    let ledger = |limit: Option<u64>, sold: u64, customer: Option<CustomerId>| {
        let put = Change::EventPut {
            capacities: BTreeMap::from([(stock("general"), 9)]),
            settings: EventSettings::default(),
        };
        let limited = Change::EventPut {
            capacities: BTreeMap::from([(stock("general"), 9)]),
            settings: EventSettings { limit_per_customer: limit, ..EventSettings::default() },
        };
        let (of_hold, of_sale) = (items(&[("general", 3)]), items(&[("general", sold)]));
        let held = Change::Held {
            id: id(2),
            items: of_hold.clone(),
            customer: customer.clone(),
            expires_at_ms: T + 10,
            total: None,
            place: None,
        };
        let taken = Change::Sold { id: id(3), items: of_sale, customer, total: None, place: None };
        chain(vec![
            record(1, T, put, &[("general", 9)]),
            record(2, T + 1, held, &[("general", 6)]),
            record(3, T + 10, Change::Expired { id: id(2), items: of_hold }, &[("general", 9)]),
            record(4, T + 11, taken, &[("general", 9 - sold)]),
            record(5, T + 12, limited, &[("general", 9 - sold)]),
            record(6, T + 13, due(2, "a"), &[]),
        ])
    };
    for (limit, sold) in [(4, 2), (2, 1), (1, 4)] {
        let ledger = ledger(Some(limit), sold, ada());
        audit(ledger, &Limits::default()).unwrap().finish().unwrap();
    }
    for (limit, sold, customer) in [(None, 2, ada()), (Some(5), 2, ada()), (Some(4), 2, None)] {
        assert_hold(violation(ledger(limit, sold, customer)), 6, 2, ITEMS_THERE);
    }
}

#[test]
fn more_refunds_due_than_the_bound_are_a_violation() {
    let ledger = |count: usize| {
        let mut records = good()[..7].to_vec();
        for (seq, number) in (8..).zip(0..count) {
            records.push(record(seq, T + 902, due(3, &format!("p{number}")), &[]));
        }
        chain(records)
    };
    audit(ledger(REFUNDS_DUE_MAX), &Limits::default()).unwrap().finish().unwrap();
    let seq = 8 + u64::try_from(REFUNDS_DUE_MAX).unwrap();
    let why = "more refunds are due than may be recorded";
    assert_hold(violation(ledger(REFUNDS_DUE_MAX + 1)), seq, 3, why);
}

#[test]
fn refunded_payment_buys_nothing() {
    for payment in ["a", "b"] {
        assert_hold(instead(11, confirmed(3, 3, Some(payment), true)), 11, 3, REFUNDED);
    }
    // Without a payment, or for one of another hold, it is sold.
    for payment in [None, Some("d")] {
        let mut records = good();
        records[10].change = confirmed(3, 3, payment, true);
        audit(chain(records), &Limits::default()).unwrap().finish().unwrap();
    }
    let mut records = good();
    records[13].change = confirmed(12, 1, Some("a"), false);
    audit(chain(records), &Limits::default()).unwrap().finish().unwrap();
}

#[test]
fn record_of_another_event_pays_for_no_hold() {
    let mut entries = chain(good()[..7].to_vec());
    let mut other = [
        record(1, T, put(5, eur(100)), &[("free", 9), ("general", 5)]),
        record(2, T + 902, due(3, "a"), &[]),
    ];
    other.iter_mut().for_each(|record| record.event = event("other"));
    other[1].prev = inventory::Hash::of(&other[0].to_body());
    entries.extend(other.iter().map(|record| (event("other"), record.seq, record.to_body())));
    assert_hold(violation(entries), 2, 3, "belongs to another event");
}
