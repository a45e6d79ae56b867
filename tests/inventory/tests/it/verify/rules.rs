//! Every violation of a rule is found at its record.

use inventory::{
    EventSettings, Hash, Limits,
    ledger::{Change, Record},
};
use inventory_audit::verify::{Auditor, Position, VerifyError, Violation, ViolationKind};

use super::ledger::{T, audit, chain, event_put, good, held, id, record, sold, used};
use crate::support::{event, items, key, stock};

pub fn violation(
    records: impl IntoIterator<Item = (inventory::EventName, u64, Vec<u8>)>,
) -> (u64, ViolationKind) {
    match audit(records, &Limits::default()).and_then(Auditor::finish) {
        Err(VerifyError::Violation(Violation { at: Position::Record { seq, .. }, kind })) => {
            (seq, kind)
        }
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("nothing was found"),
    }
}

/// Changes record `seq` of the valid ledger, chains it again, and returns the violation found.
fn tampered(seq: usize, change: impl FnOnce(&mut Record)) -> (u64, ViolationKind) {
    let mut records = good();
    change(&mut records[seq - 1]);
    violation(chain(records))
}

#[test]
fn valid_ledger_passes() {
    let ledgers = audit(chain(good()), &Limits::default()).unwrap().finish().unwrap();
    let report = ledgers.report();
    assert_eq!(
        (report.records, report.events, report.holds, report.keyed, report.live_holds, report.sold),
        (13, 1, 5, 1, 0, 9)
    );
}

#[test]
fn every_rule_is_checked_at_every_record() {
    use ViolationKind::{
        Balance, Chain, Closed, Gap, Left, Limit, NoCustomer, NoStock, NotCreated, Oversold,
        TimeWentBack, Unexpired,
    };
    let general = |qty| items(&[("general", qty)]);
    let of_hold = |(seq, broken): (u64, ViolationKind)| match broken {
        ViolationKind::Hold { why, .. } => (seq, why),
        other => panic!("seq {seq}: {other}"),
    };
    // The balance.
    assert_eq!(
        tampered(2, |r| r.left[0].1 = 7),
        (2, Balance { stock: stock("general"), left: 7, expected: 6 })
    );
    assert_eq!(
        tampered(11, |r| r.left[0].1 = 3),
        (11, Balance { stock: stock("general"), left: 3, expected: 2 })
    );
    assert_eq!(tampered(2, |r| r.left.clear()), (2, Left));
    assert_eq!(
        tampered(2, |r| r.change = sold(2, 11)),
        (2, Oversold { stock: stock("general"), capacity: 10, held: 0, sold: 11 })
    );
    assert_eq!(tampered(12, |r| r.change = event_put(7, EventSettings::default())).0, 12);
    assert_eq!(
        tampered(2, |r| r.change = Change::Sold {
            id: id(2),
            items: items(&[("vip", 1)]),
            customer: None,
            total: None,
            place: None
        }),
        (2, NoStock(stock("vip")))
    );
    // Order, time and chain.
    assert_eq!(
        tampered(3, |r| r.at_ms = T + 5),
        (3, TimeWentBack { before_ms: T + 10, at_ms: T + 5 })
    );
    assert_eq!(violation(chain(good()[1..].to_vec())).0, 1);
    assert_eq!(violation(chain(vec![record(1, T, sold(2, 1), &[])])), (1, NotCreated));
    let mut gap = good();
    gap.remove(5);
    let gap: Vec<_> = chain(gap)
        .into_iter()
        .enumerate()
        .map(|(at, (e, s, b))| (e, if at < 5 { s } else { s + 1 }, b))
        .collect();
    assert_eq!(violation(gap), (7, Gap { expected: 6 }));
    let mut broken = chain(good());
    let mut other = good();
    other[7].at_ms += 1;
    broken[7].2 = {
        let mut other = other[7].clone();
        other.prev = Hash::of(&broken[6].2);
        other.to_body()
    };
    assert_eq!(violation(broken), (9, Chain));
    // Time decides about holds.
    assert_eq!(
        tampered(5, |r| r.at_ms = T + 2_000),
        (5, Unexpired { id: id(3), expires_at_ms: T + 2_000 })
    );
    assert_eq!(tampered(6, |r| r.change = held(6, 2, T + 50)).0, 6);
    assert_eq!(of_hold(tampered(7, |r| r.at_ms = T + 499)), (7, "expired before its time"));
    let mut late = good();
    late.insert(6, record(7, T + 501, sold(77, 1), &[("general", 0)]));
    late[7..].iter_mut().for_each(|r| r.seq += 1);
    assert_eq!(violation(chain(late)), (7, Unexpired { id: id(6), expires_at_ms: T + 500 }));
    // States of holds.
    assert_eq!(
        of_hold(tampered(3, |r| r.change = held(2, 3, T + 1_000))),
        (3, "its id is used twice")
    );
    assert_eq!(
        of_hold(tampered(5, |r| r.change = Change::Released { id: id(2), items: general(4) })),
        (5, "no longer held")
    );
    assert_eq!(
        of_hold(tampered(5, |r| r.change = Change::Released { id: id(99), items: general(3) })),
        (5, "hold not found")
    );
    assert_eq!(
        of_hold(tampered(5, |r| r.change = Change::Released { id: id(3), items: general(2) })),
        (5, "other items than the hold's")
    );
    let shorter = |r: &mut Record| {
        r.change = Change::Extended { id: id(3), items: general(3), expires_at_ms: T + 999 }
    };
    assert_eq!(of_hold(tampered(4, shorter)), (4, "extension shortens it"));
    let reacquired = |r: &mut Record| {
        r.change =
            Change::Confirmed { id: id(3), items: general(3), payment_ref: None, reacquired: true }
    };
    assert_eq!(of_hold(tampered(5, reacquired)), (5, "acquired again without an expiry"));
    let refund =
        |number, qty| Change::Refunded { id: id(11), reservation: id(number), items: general(qty) };
    assert_eq!(
        of_hold(tampered(11, |r| r.change = refund(2, 5))),
        (11, "more is refunded than is left of it")
    );
    assert_eq!(
        of_hold(tampered(11, |r| r.change = refund(9, 1))),
        (11, "refunded, and was not sold")
    );
    // Limits and windows, as of the moment.
    assert_eq!(tampered(13, |r| r.change = sold(13, 6)).0, 13);
    assert_eq!(
        tampered(12, |r| r.change = event_put(
            11,
            EventSettings { limit_per_customer: Some(3), ..EventSettings::default() }
        )),
        (13, Limit { has: 4, limit: 3 })
    );
    assert_eq!(
        tampered(13, |r| r.change = Change::Sold {
            id: id(13),
            items: general(1),
            customer: None,
            total: None,
            place: None
        }),
        (13, NoCustomer)
    );
    assert_eq!(tampered(13, |r| r.at_ms = T + 5_000), (13, Closed));
    // Keys.
    let twice = tampered(13, |r| r.key = used("once", T + 200_000));
    assert_eq!(
        twice,
        (13, ViolationKind::KeyTwice { key: key("once"), event: event("default"), seq: 2 })
    );
    let again: Vec<_> = {
        let mut records = good();
        records[12].key = used("once", T + 200_000);
        records[1].key = used("once", T + 560);
        chain(records)
    };
    assert!(
        audit(again, &Limits::default()).unwrap().finish().is_ok(),
        "a key may be used again when its time is over"
    );
    let few = Limits { keys_max: 1, ..Limits::default() };
    let early: Vec<_> = {
        let mut records = good();
        records[12].key = used("once", T + 200_000);
        chain(records)
    };
    let report = audit(early, &few).unwrap().finish().unwrap().report().clone();
    assert_eq!(report.keys_forgotten_early, 1, "where keys may be forgotten early it is counted");
    // Bytes.
    let mut junk = chain(good());
    junk[4].2[40] ^= 1;
    let (seq, broken) = violation(junk);
    assert!(
        matches!((seq, &broken), (5, ViolationKind::NotARecord(_)) | (6, Chain) | (5, _)),
        "{seq}: {broken}"
    );
    let swapped: Vec<_> =
        chain(good()).into_iter().map(|(_, seq, body)| (event("other"), seq, body)).collect();
    assert!(matches!(violation(swapped), (1, ViolationKind::Misplaced { .. })));
}
