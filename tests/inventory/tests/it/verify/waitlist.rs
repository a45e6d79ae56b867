//! Violations of the rules of waiting lists.

use inventory::{
    Currency, EventSettings, HoldId, Items, Limits, Money,
    ledger::{Change, Record},
};
use inventory_audit::verify::ViolationKind::{self, Limit, Waitlist};

use super::{
    ledger::{T, audit, chain, id, record, sold},
    rules::violation,
    waitlist_ledger::{
        CAPACITY, FIRST, GROUP, LAST, LEAVES, LIMITED, NEXT, TENTH, collected, general, good,
        joined, left_list, offered, place, place_of_offer, put, refunded, settings,
    },
};
use crate::support::{customer, items, stock};

const SKIPPED: &str = "an offer passes over an entry that fits";
const SOLD_PAST: &str = "something was available while an entry waited that fits";
const UNNAMED: &str =
    "an offer does not name the first entry that needs what it takes, which it passes over";
const TOO_OFTEN: &str = "something was taken that should be kept for an entry";
const KEPT_LOST: &str = "something is kept for an entry that may not have its items";
const OTHER_ITEMS: &str = "an offer has other items than its entry";
const OTHER_CUSTOMER: &str = "an offer names another customer";
const OTHER_TIME: &str = "an offer while it was closed, or of another time";
const NOT_WAITING: &str = "the entry does not wait";
const KEPT_EARLY: &str = "something is kept for an entry that may not have it yet";
const KEPT_TOO_MUCH: &str = "too much is kept for an entry";
const KEPT_OTHERS: &str = "other items were kept for the entry that leaves";
const JOINED_CLOSED: &str = "an entry joined while it was closed";

/// Puts `change` in the place of a record, and returns the violation, which must be there.
#[track_caller]
fn instead(at: usize, change: Change) -> ViolationKind {
    let mut records = good();
    assert_ne!(records[at].change, change);
    records[at].change = change;
    let (seq, kind) = violation(chain(records));
    assert_eq!(seq, at as u64 + 1, "{kind}");
    kind
}

/// Changes an offer.
#[track_caller]
fn with_offer(number: u8, change: impl FnOnce(&mut Offer)) -> ViolationKind {
    let at = place_of_offer(number);
    let Change::HoldOffered { id, items, customer, expires_at_ms, total, over } =
        good()[at].change.clone()
    else {
        unreachable!()
    };
    let mut offer = Offer { id, items, customer, expires_at_ms, over };
    change(&mut offer);
    let Offer { id, items, customer, expires_at_ms, over } = offer;
    instead(at, Change::HoldOffered { id, items, customer, expires_at_ms, total, over })
}

struct Offer {
    id: HoldId,
    items: Items,
    customer: Option<inventory::CustomerId>,
    expires_at_ms: u64,
    over: Option<HoldId>,
}

#[test]
fn valid_ledger_with_a_waiting_list_passes() {
    let ledgers = audit(chain(good()), &Limits::default()).unwrap().finish().unwrap();
    let report = ledgers.report();
    assert_eq!((report.holds, report.live_holds, report.sold), (16, 12, 6));
}

#[test]
fn offer_to_a_later_entry_while_an_earlier_fits_is_found() {
    // One ticket is there: the first single has a right to it.
    let later = with_offer(FIRST, |offer| offer.id = id(FIRST + 1));
    assert_eq!(later, Waitlist(SKIPPED));
    assert_eq!(with_offer(TENTH, |offer| offer.id = id(LAST)), Waitlist(SKIPPED));
    // The group has all but the last of its tickets.
    let over_group = with_offer(GROUP, |offer| {
        (offer.id, offer.items, offer.over) = (id(LAST), general(1), Some(id(GROUP)));
    });
    assert_eq!(over_group, Waitlist(SKIPPED));
}

#[test]
fn sale_or_hold_while_an_entry_fits_is_found() {
    let held = super::ledger::held(7, 1, T + 900_000);
    for number in [FIRST, TENTH, GROUP, LAST, NEXT] {
        for taken in [sold(7, 1), held.clone()] {
            assert_eq!(instead(place_of_offer(number), taken), Waitlist(SOLD_PAST));
        }
    }
    // Also of less than is there.
    let at = place(|change| matches!(change, Change::Refunded { .. }));
    let mut records = good();
    records[at].change = refunded(9, 2);
    records[at].left[0].1 = 2;
    records[at + 1].change = sold(7, 1);
    assert_eq!(violation(chain(records)), (at as u64 + 2, Waitlist(SOLD_PAST)));
    // While none fits, it is none.
    let mut records = good();
    records.truncate(place_of_offer(FIRST));
    for record in &mut records[3..] {
        if let Change::WaitlistJoined { items, .. } = &mut record.change {
            *items = general(2);
        }
    }
    let (seq, at_ms) = (records.len() as u64 + 1, T + 999);
    records.push(record(seq, at_ms, sold(7, 1), &[("general", 0)]));
    audit(chain(records), &Limits::default()).unwrap().finish().unwrap();
}

#[test]
fn offer_names_the_entry_that_it_passes_over() {
    assert_eq!(with_offer(FIRST, |offer| offer.over = None), Waitlist(UNNAMED));
    let other = with_offer(FIRST, |offer| offer.over = Some(id(LAST)));
    assert_eq!(other, Waitlist(UNNAMED));
    assert_eq!(with_offer(GROUP, |offer| offer.over = Some(id(GROUP))), Waitlist(UNNAMED));
    assert_eq!(with_offer(LAST, |offer| offer.over = Some(id(NEXT))), Waitlist(UNNAMED));
}

#[test]
fn offer_has_the_items_and_the_customer_of_its_entry() {
    assert_eq!(with_offer(GROUP, |offer| offer.items = general(1)), Waitlist(OTHER_ITEMS));
    assert_eq!(with_offer(FIRST, |offer| offer.items = general(2)), Waitlist(OTHER_ITEMS));
    let stolen = with_offer(FIRST, |offer| offer.customer = Some(customer("z")));
    assert_eq!(stolen, Waitlist(OTHER_CUSTOMER));
    for who in [None, Some(customer("z"))] {
        let stolen = with_offer(LIMITED, |offer| offer.customer = who);
        assert_eq!(stolen, Waitlist(OTHER_CUSTOMER));
    }
}

#[test]
fn offer_goes_to_somebody_who_waits() {
    // Twice to the same, to one who has left, and to one who never waited.
    for (at, number) in [(FIRST + 1, FIRST), (LAST, LEAVES), (FIRST, 2)] {
        let at = place_of_offer(at);
        let mut records = good();
        let items = if number == 2 { general(CAPACITY) } else { general(1) };
        let Change::HoldOffered { id: to, items: of, .. } = &mut records[at].change else {
            unreachable!()
        };
        (*to, *of) = (id(number), items);
        let (seq, found) = violation(chain(records));
        assert_eq!(seq, at as u64 + 1);
        // What is there belongs to another.
        assert_eq!(found, Waitlist(SKIPPED), "to {number}");
    }
    // Where nobody else waits.
    for number in [NEXT, FIRST, LEAVES] {
        let mut records = good();
        let at_ms = records[records.len() - 1].at_ms;
        let seq = records.len() as u64 + 1;
        records.push(record(seq, at_ms, offered(number, at_ms, None), &[("general", 0)]));
        assert_eq!(violation(chain(records)), (seq, Waitlist(NOT_WAITING)));
    }
    let at_ms = good()[place_of_offer(NEXT)].at_ms;
    let mut records = good();
    let seq = records.len() as u64 + 1;
    records.push(record(seq, at_ms + 1, offered(77, at_ms + 1, None), &[("general", 0)]));
    let unknown = ViolationKind::Hold { id: id(77), why: "hold not found" };
    assert_eq!(violation(chain(records)), (seq, unknown));
}

#[test]
fn offer_holds_as_long_as_the_setting_says() {
    for by in [-1, 1, 60_000] {
        let other = with_offer(FIRST, |offer| {
            offer.expires_at_ms = offer.expires_at_ms.checked_add_signed(by).unwrap();
        });
        assert_eq!(other, Waitlist(OTHER_TIME));
    }
}

#[test]
fn nothing_is_offered_outside_the_sale() {
    let at = place_of_offer(FIRST);
    // The settings change before something returns.
    let changed = |change: &dyn Fn(&mut EventSettings)| {
        let mut records = good();
        records.truncate(at + 1);
        let mut settings = settings();
        change(&mut settings);
        let at_ms = records[at - 2].at_ms;
        records.insert(at - 1, record(0, at_ms, put(settings), &[("general", 0)]));
        for (record, seq) in records.iter_mut().zip(1..) {
            record.seq = seq;
        }
        chain(records)
    };
    let refused = (at as u64 + 2, Waitlist(OTHER_TIME));
    let at_ms = good()[at].at_ms;
    let closing = |at_ms| changed(&|settings| settings.closes_at_ms = Some(at_ms));
    let opening = |at_ms| changed(&|settings| settings.opens_at_ms = Some(at_ms));
    assert_eq!(violation(closing(at_ms)), refused);
    assert_eq!(violation(opening(at_ms + 1)), refused);
    assert_eq!(violation(changed(&|settings| settings.waitlist = None)), refused);
    // The first moment and the last.
    for open in [closing(at_ms + 1), opening(at_ms)] {
        audit(open, &Limits::default()).unwrap().finish().unwrap();
    }
}

#[test]
fn nobody_joins_a_list_that_is_closed() {
    let with = |change: fn(&mut EventSettings)| {
        let mut settings = settings();
        change(&mut settings);
        let mut records = good();
        records[0].change = put(settings);
        // Without the sale, which is not allowed at that time either.
        records.remove(1);
        records[1].seq = 2;
        records[1].left[0].1 = CAPACITY;
        violation(chain(records[..2].to_vec()))
    };
    let refused = (2, Waitlist(JOINED_CLOSED));
    assert_eq!(with(|settings| settings.closes_at_ms = Some(T + 2)), refused);
    assert_eq!(with(|settings| settings.opens_at_ms = Some(T + 3)), refused);
    assert_eq!(with(|settings| settings.waitlist = None), refused);
    let twice = instead(4, joined(GROUP, 1));
    let used = ViolationKind::Hold { id: id(GROUP), why: "its id is used twice" };
    assert_eq!(twice, used);
}

#[test]
fn what_is_kept_is_for_an_entry_after_ten_others() {
    let kept = place(|change| matches!(change, Change::WaitlistCollected { .. }));
    // Too early.
    assert_eq!(instead(place_of_offer(TENTH), collected(GROUP, 1)), Waitlist(KEPT_EARLY));
    // For another one, for more than it needs, and for nothing at all.
    assert_eq!(instead(kept, collected(LAST, 1)), Waitlist(TOO_OFTEN));
    assert_eq!(instead(kept, collected(GROUP, 4)), Waitlist(KEPT_TOO_MUCH));
    let nothing = Change::WaitlistCollected { id: id(GROUP), items: Items::none() };
    assert_eq!(instead(kept, nothing), Waitlist(KEPT_EARLY));
    assert_eq!(instead(kept, collected(FIRST, 1)), Waitlist(SKIPPED));
    let more = instead(kept, collected(GROUP, 2));
    assert!(matches!(more, ViolationKind::Oversold { .. }), "{more}");
    let vip = Change::WaitlistCollected { id: id(GROUP), items: items(&[("vip", 1)]) };
    assert_eq!(instead(kept, vip), Waitlist(KEPT_TOO_MUCH));
}

#[test]
fn eleventh_offer_to_another_is_found() {
    let kept = place(|change| matches!(change, Change::WaitlistCollected { .. }));
    let at_ms = good()[kept].at_ms;
    assert_eq!(instead(kept, offered(LAST, at_ms, Some(GROUP))), Waitlist(TOO_OFTEN));
}

#[test]
fn sale_of_what_should_be_kept_is_found() {
    // Those behind the group wait for more than there is.
    let mut records = good();
    let kept = place(|change| matches!(change, Change::WaitlistCollected { .. }));
    records.truncate(kept + 1);
    for record in &mut records {
        if let Change::WaitlistJoined { id: joined, items, .. } = &mut record.change
            && (LAST..=NEXT).any(|number| *joined == id(number))
        {
            *items = general(CAPACITY);
        }
    }
    for taken in [sold(7, 1), super::ledger::held(7, 1, T + 900_000)] {
        let mut records = records.clone();
        records[kept].change = taken;
        assert_eq!(violation(chain(records)), (kept as u64 + 1, Waitlist(TOO_OFTEN)));
    }
}

#[test]
fn nothing_is_kept_for_an_entry_that_cannot_have_its_items() {
    // Three cost more than can be counted.
    let kept = place(|change| matches!(change, Change::WaitlistCollected { .. }));
    let mut records = good();
    records.truncate(kept + 1);
    let price = Money { amount_minor: u64::MAX / 2, currency: Currency::new("EUR").unwrap() };
    let prices = [(stock("general"), price)].into();
    let put = put(EventSettings { prices, ..settings() });
    records.insert(kept, record(0, records[kept].at_ms, put, &[("general", 1)]));
    for (record, seq) in records.iter_mut().zip(1..) {
        record.seq = seq;
    }
    assert_eq!(violation(chain(records)), (kept as u64 + 2, Waitlist(KEPT_LOST)));
}

#[test]
fn entry_that_leaves_gives_back_what_was_kept() {
    let at = place_of_offer(GROUP);
    for qty in [0, 1, 3] {
        assert_eq!(instead(at, left_list(GROUP, qty)), Waitlist(KEPT_OTHERS), "{qty}");
    }
    let leaves = place(|change| matches!(change, Change::WaitlistLeft { .. }));
    assert_eq!(instead(leaves, left_list(LAST, 1)), Waitlist(KEPT_OTHERS));
    for number in [FIRST, GROUP, 2] {
        assert_eq!(instead(leaves, left_list(number, 0)), Waitlist(NOT_WAITING));
    }
    // With what was kept, it may go.
    let mut records = good();
    records.truncate(at + 1);
    records[at].change = left_list(GROUP, 2);
    records[at].left[0].1 = 3;
    audit(chain(records), &Limits::default()).unwrap().finish().unwrap();
}

#[test]
fn customer_at_its_limit_is_passed_over_and_not_offered_more() {
    // `c` has bought as much as it may before its entry has its turn.
    let at = place_of_offer(LIMITED);
    let limited = EventSettings { limit_per_customer: Some(1), ..settings() };
    let with_limit = |over: bool| {
        let mut records = good();
        let (put_ms, refund) = (records[at - 1].at_ms, records[at - 1].clone());
        records.truncate(at - 1);
        records.push(record(0, put_ms, put(limited.clone()), &[("general", 0)]));
        // Two come back; `c` cannot have bought the other one.
        records.push(refund);
        let entry = if over { NEXT } else { LIMITED };
        let at_ms = put_ms + 1;
        records.push(record(0, at_ms, offered(entry, at_ms, None), &[("general", 0)]));
        for (record, seq) in records.iter_mut().zip(1..) {
            record.seq = seq;
        }
        records
    };
    // It has nothing yet: its turn is first.
    audit(chain(with_limit(false)), &Limits::default()).unwrap().finish().unwrap();
    let skipped = violation(chain(with_limit(true)));
    assert_eq!(skipped, (at as u64 + 2, Waitlist(SKIPPED)));
    let has_one = |records: Vec<Record>| {
        let mut records = records;
        records[1].change = sold(2, CAPACITY);
        records
    };
    // The whole sale is of `c`.
    audit(chain(has_one(with_limit(true))), &Limits::default()).unwrap().finish().unwrap();
    let (seq, over) = violation(chain(has_one(with_limit(false))));
    assert_eq!((seq, over), (at as u64 + 2, Limit { has: 7, limit: 1 }));
}
