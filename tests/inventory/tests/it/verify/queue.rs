//! Violations of the rules of waiting rooms.

use draw::Leaf;
use inventory::{
    Limits,
    ledger::{Change, PassClaimed, QueueChange, Record},
};
use inventory_audit::verify::{Auditor, VerifyError, Violation, ViolationKind};

use super::{
    ledger::{audit, chain, id, record},
    queue_ledger::{
        called, claimed, committed, early, frozen, good, held, joined, line, moved, order, paused,
        put, revealed, sold, turn,
    },
    rules::violation,
};
use crate::queue::commands::{OPENS, PASS_TTL, SALE, Show, leaf, leaves};

const NONE: &str = "the event has none";

/// Puts `change` in the place of record `seq`, and returns the violation.
fn instead(seq: usize, change: Change) -> (u64, ViolationKind) {
    tampered(|records| records[seq - 1].change = change)
}

/// Inserts `change` after record `seq`, with the time of that record, and returns the violation.
fn after(seq: usize, change: Change) -> (u64, ViolationKind) {
    tampered(|records| insert(records, seq, change))
}

/// Leaves out record `seq`.
fn without(seq: usize) -> (u64, ViolationKind) {
    tampered(|records| drop(records.remove(seq - 1)))
}

fn insert(records: &mut Vec<Record>, seq: usize, change: Change) {
    let at_ms = records[seq - 1].at_ms;
    records.insert(seq, record(0, at_ms, change, &[]));
}

fn tampered(change: impl FnOnce(&mut Vec<Record>)) -> (u64, ViolationKind) {
    let mut records = good();
    change(&mut records);
    for (record, seq) in records.iter_mut().zip(1..) {
        record.seq = seq;
    }
    violation(chain(records))
}

#[track_caller]
fn assert_queue(found: (u64, ViolationKind), seq: u64, expected: &str) {
    match found.1 {
        ViolationKind::Queue(why) => assert_eq!((found.0, why), (seq, expected)),
        other => panic!("seq {}: {other}", found.0),
    }
}

#[test]
fn valid_ledger_with_waiting_rooms_passes() {
    let ledgers = audit(chain(good()), &Limits::default()).unwrap().finish().unwrap();
    let report = ledgers.report();
    assert_eq!((report.records, report.holds, report.places, report.sold), (26, 4, 6, 3));
    // Also a draw that nothing witnesses.
    let mut records = good();
    records.truncate(9);
    records[8].change = revealed(2, None);
    audit(chain(records), &Limits::default()).unwrap().finish().unwrap();
}

#[test]
fn change_of_no_waiting_room_is_a_violation() {
    for change in [
        joined(0, &leaves(20, 0..1)),
        called(1, None),
        paused(true),
        frozen(0, &[]),
        claimed(turn(3), 120, SALE + 501),
    ] {
        assert_queue(after(20, change), 21, NONE);
    }
}

#[test]
fn settings_keep_what_places_joined_for() {
    const CHANGED: &str = "its draw or its opening changed after places had joined";
    let opens = |show: Show| show.with(|show| show.queue().opens_at_ms += 1);
    let undrawn = |show: Show| show.with(|show| show.queue().draw = false);
    for show in [opens(moved()), undrawn(moved())] {
        assert_queue(instead(5, put(&show)), 5, CHANGED);
    }
    let seq = 24;
    for show in [opens(line()), line().with(|show| show.queue().draw = true)] {
        let found = tampered(|records| {
            insert(records, seq, put(&show));
            records[seq].left = vec![(crate::support::stock("general"), 1)];
        });
        assert_queue(found, 25, CHANGED);
    }
    // The opening of the sale stays when the draw is frozen.
    let found = tampered(|records| {
        insert(records, 7, put(&early()));
        records[7].left = vec![(crate::support::stock("general"), 3)];
    });
    assert_queue(found, 8, "the sale's opening moved after the draw was frozen");
}

#[test]
fn place_joins_once_and_while_it_is_open() {
    const CLOSED: &str = "a place joined while it was closed";
    const MISSING: &str = "a place is missing or repeated";
    const TWICE: &str = "a place joined twice";
    assert_queue(tampered(|records| records[2].at_ms = OPENS - 1), 3, CLOSED);
    let close_ms = OPENS + 1;
    let closing = early().with(|show| show.settings.closes_at_ms = Some(close_ms));
    assert_queue(instead(1, put(&closing)), 4, CLOSED);
    for from in [0, 1, 3] {
        assert_queue(instead(4, joined(from, &leaves(1, 2..3))), 4, MISSING);
    }
    assert_queue(instead(4, joined(2, &[])), 4, MISSING);
    assert_queue(instead(3, joined(1, &leaves(1, 0..2))), 3, MISSING);
    assert_queue(without(3), 3, MISSING);
    assert_queue(instead(4, joined(2, &leaves(1, 1..2))), 4, TWICE);
    assert_queue(instead(4, joined(2, &[leaf(1, "a"), leaf(1, "a")])), 4, TWICE);
    assert_queue(instead(8, joined(3, &leaves(1, 0..2))), 8, TWICE);
    // The last ticket is sold.
    let q1 = || joined(1, &[leaf(22, "p1")]);
    assert_queue(after(26, q1()), 27, "a place joined when nothing could be left for it");
    let mut held_instead = good();
    held_instead[25].change = held(26, Some(leaf(22, "p0")), 2 * SALE);
    insert(&mut held_instead, 26, q1());
    held_instead[26].seq = 27;
    audit(chain(held_instead), &Limits::default()).unwrap().finish().unwrap();
}

#[test]
fn draw_is_committed_to_with_its_settings_alone() {
    const UNASKED: &str = "a draw is committed to without new settings";
    assert_queue(after(3, committed(3)), 4, UNASKED);
    assert_queue(after(2, committed(3)), 3, UNASKED);
    assert_queue(after(22, committed(3)), 23, UNASKED);
    assert_queue(after(7, committed(3)), 8, UNASKED);
}

#[test]
fn settings_of_a_draw_are_followed_by_a_commitment() {
    const MISSING: &str = "a draw is not committed to with its settings";
    for seq in [2, 6] {
        assert_queue(without(seq), u64::try_from(seq).unwrap(), MISSING);
        // At the end of the ledger it is missing as well.
        let end = tampered(|records| records.truncate(seq - 1));
        assert_queue(end, u64::try_from(seq).unwrap() - 1, MISSING);
        assert_queue(after(seq - 1, paused(true)), u64::try_from(seq).unwrap(), MISSING);
    }
    // Where the draw goes on as it is, nothing new is committed to.
    let found = tampered(|records| {
        insert(records, 6, put(&moved().with(|show| show.capacity = 4)));
        records[6].left = vec![(crate::support::stock("general"), 4)];
        insert(records, 7, committed(2));
    });
    assert_queue(found, 8, "a draw is committed to without new settings");
}

#[test]
fn draw_is_frozen_in_time_with_its_places() {
    const LATE: &str = "the draw had ended, and its freeze was not written first";
    const OTHERS: &str = "the draw is frozen with other places than joined";
    const NO_DRAW: &str = "there is no draw to freeze";
    assert_queue(without(7), 7, LATE);
    assert_queue(tampered(|records| records[3].at_ms = SALE - 7), 4, LATE);
    assert_queue(tampered(|records| records.swap(6, 7)), 7, LATE);
    let early = tampered(|records| records[6].at_ms = SALE - 1);
    assert_queue(early, 7, "the draw is frozen before the sale opens");
    for change in [
        frozen(2, &leaves(1, 0..3)),
        frozen(4, &leaves(1, 0..3)),
        frozen(3, &leaves(1, 0..2)),
        frozen(3, &[leaf(1, "p1"), leaf(1, "p0"), leaf(1, "p2")]),
    ] {
        assert_queue(instead(7, change), 7, OTHERS);
    }
    assert_queue(after(7, frozen(3, &leaves(1, 0..3))), 8, NO_DRAW);
    assert_queue(after(23, frozen(1, &[leaf(22, "p0")])), 24, NO_DRAW);
}

#[test]
fn draw_is_revealed_once_as_committed_to() {
    const NO_DRAW: &str = "there is no draw to reveal";
    const SEED: &str = "the seed is another than committed to";
    const BEACON: &str = "the beacon is another than committed to";
    let good = || revealed(2, Some((77, "abababab")));
    assert_queue(after(6, good()), 7, NO_DRAW);
    assert_queue(after(9, good()), 10, NO_DRAW);
    assert_queue(after(23, good()), 24, NO_DRAW);
    // The seed before the opening moved, and one of no commitment.
    for number in [1, 3] {
        assert_queue(instead(9, revealed(number, Some((77, "abababab")))), 9, SEED);
    }
    for beacon in [(78, "abababab"), (77, "ababababa"), (77, "ABABABAB"), (77, "xx")] {
        assert_queue(instead(9, revealed(2, Some(beacon))), 9, BEACON);
    }
    let unwitnessed = crate::queue::commands::commitment(2);
    let found = tampered(|records| {
        records[5].change = Change::Queue(QueueChange::DrawCommitted(unwitnessed));
    });
    assert_queue(found, 9, BEACON);
}

#[test]
fn calls_go_forward_in_the_order_of_the_draw() {
    const TURN: &str = "a turn is called twice, or does not exist";
    const PLACE: &str = "a call names no place of the draw, or an earlier one";
    let upto = |serving| order().upto(serving);
    assert_queue(after(8, called(1, upto(1))), 9, "places are called before the draw");
    assert_queue(after(6, called(1, None)), 7, "places are called outside the sale");
    for serving in [0, 1, 6] {
        assert_queue(instead(15, called(serving, upto(3))), 15, TURN);
    }
    for change in [called(4, None), called(4, order().upto(0))] {
        assert_queue(instead(15, change), 15, PLACE);
    }
    let backward = tampered(|records| {
        records[9].change = called(1, upto(2));
        records[14].change = called(4, upto(1));
    });
    assert_queue(backward, 15, PLACE);
    assert_queue(instead(24, called(1, upto(1))), 24, PLACE);
    let during = after(13, called(2, upto(2)));
    assert_queue(during, 14, "places are called while it is paused");
}

#[test]
fn pause_begins_and_ends_once() {
    const TWICE: &str = "it was paused or resumed twice";
    assert_queue(after(13, paused(true)), 14, TWICE);
    assert_queue(after(14, paused(false)), 15, TWICE);
    assert_queue(without(13), 13, TWICE);
}

#[test]
fn called_place_claims_one_pass() {
    const NO_PLACE: &str = "a pass of no place, or a second one";
    const NOT_CALLED: &str = "a pass of a place that was not called";
    const TIME: &str = "a pass lives for another time than the event's passes";
    assert_queue(after(11, claimed(turn(1), 99, SALE + 4)), 12, NO_PLACE);
    assert_queue(after(12, claimed(turn(1), 99, SALE + 5)), 13, NO_PLACE);
    assert_queue(instead(11, claimed(leaf(1, "p9"), 101, SALE + 4)), 11, NO_PLACE);
    assert_queue(instead(11, claimed(turn(2), 101, SALE + 4)), 11, NOT_CALLED);
    assert_queue(instead(11, claimed(turn(4), 101, SALE + 4)), 11, NOT_CALLED);
    assert_queue(instead(18, claimed(turn(5), 104, SALE + 11)), 18, NOT_CALLED);
    assert_queue(without(10), 10, NOT_CALLED);
    let closing = moved().with(|show| show.settings.closes_at_ms = Some(SALE + 9));
    assert_queue(instead(5, put(&closing)), 16, "a pass was claimed after the sale had closed");
    // Of a place of the draw before there is an order, and of a late one.
    assert_queue(after(8, claimed(turn(1), 99, SALE + 1)), 9, "a pass before the draw");
    assert_queue(after(8, claimed(turn(4), 99, SALE + 1)), 9, NOT_CALLED);
    for ttl_ms in [0, PASS_TTL - 1, PASS_TTL + 1] {
        let pass = PassClaimed { expires_at_ms: SALE + 4 + ttl_ms, leaf: turn(1), pass: id(101) };
        assert_queue(instead(11, Change::Queue(QueueChange::PassClaimed(pass))), 11, TIME);
    }
}

#[test]
fn pass_after_the_turn_needs_room() {
    const NO_ROOM: &str = "a turn had lapsed, and there was no room for it";
    // The ledger until turns 2 to 4 are called, of which the first has its pass at first; then
    // turn 3 claims one in time and late.
    let claims = |late: bool, change: fn(&mut Vec<Record>)| {
        let mut records = good();
        records.truncate(16);
        change(&mut records);
        let at_ms = if late { SALE + 40_000 } else { SALE + 9 };
        records[11].change = held(12, Some(turn(1)), 2 * SALE);
        records.push(record(0, at_ms, claimed(turn(3), 103, at_ms), &[]));
        for (record, seq) in records.iter_mut().zip(1..) {
            record.seq = seq;
        }
        audit(chain(records), &Limits::default()).and_then(Auditor::finish).map(drop)
    };
    let no_room = |result: Result<(), VerifyError>| match result.unwrap_err() {
        VerifyError::Violation(Violation { kind: ViolationKind::Queue(why), .. }) => {
            assert_eq!(why, NO_ROOM);
        }
        other => panic!("{other}"),
    };
    // Two tickets are left, and one has a pass.
    claims(true, |_| {}).unwrap();
    // As many choose as may.
    claims(false, |records| choose_at_once(records, 1)).unwrap();
    no_room(claims(true, |records| choose_at_once(records, 1)));
    claims(true, |records| choose_at_once(records, 2)).unwrap();
    // During a pause.
    claims(false, |records| insert(records, 16, paused(true))).unwrap();
    no_room(claims(true, |records| insert(records, 16, paused(true))));
    // A pass for each ticket that is left.
    let another = |records: &mut Vec<Record>| {
        insert(records, 16, claimed(turn(4), 104, SALE + 9));
    };
    claims(false, another).unwrap();
    no_room(claims(true, another));
}

fn choose_at_once(records: &mut [Record], active_max: u64) {
    for (at, show) in [(0, early()), (4, moved())] {
        let show = show.with(|show| show.queue().active_max = Some(active_max));
        records[at].change = put(&show);
    }
}

#[test]
fn sale_uses_one_pass_that_is_valid() {
    const WITHOUT: &str = "sold without a pass, or with one and without a waiting room";
    const UNCLAIMED: &str = "sold with a pass that nobody claimed";
    const SPENT: &str = "sold with a pass that was used or had expired";
    let until_ms = SALE + 500;
    let both =
        |number: u8, place: Option<Leaf>| [sold(number, place), held(number, place, until_ms)];
    for change in both(17, None) {
        assert_queue(instead(17, change), 17, WITHOUT);
    }
    for change in [sold(21, Some(turn(4))), held(21, Some(turn(4)), 2 * SALE)] {
        assert_queue(instead(21, change), 21, WITHOUT);
    }
    for place in [turn(3), turn(5), leaf(1, "p9")] {
        for change in both(17, Some(place)) {
            assert_queue(instead(17, change), 17, UNCLAIMED);
        }
    }
    // Another hold used it.
    for change in both(17, Some(turn(1))) {
        assert_queue(instead(17, change), 17, SPENT);
    }
    assert_queue(without(16), 16, UNCLAIMED);
    // It expires.
    let late = |by_ms: u64| {
        tampered(|records| {
            records.truncate(12);
            let at_ms = SALE + 4 + PASS_TTL - by_ms;
            (records[11].at_ms, records[11].change) = (at_ms, held(12, Some(turn(1)), 2 * SALE));
            // It is the first violation only if the hold is none.
            records.push(record(0, at_ms, sold(9, None), &[]));
        })
    };
    assert_queue(late(0), 12, SPENT);
    assert_queue(late(1), 13, WITHOUT);
}
