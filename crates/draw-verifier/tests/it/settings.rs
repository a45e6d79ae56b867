//! Queues that are set up, changed and ended.

use draw_verifier::{FindingKind, LedgerVerifier, Stage};
use serde_json::json;

use crate::{
    assert_also_found, assert_found,
    builder::{
        EVENT, Ledger, QUEUE_OPENS_AT_MS, ROUND_AT_S, SALE_OPENS_AT_MS, SEED, beacons, leaf_of,
    },
    honest::{SMALL, claimed, committed, joined, queue_settings, settings, taken},
};

/// A queue without a draw in which one place was called.
fn first_come(ledger: &mut Ledger) {
    let leaf = leaf_of(9, "first");
    ledger.push("event_put", settings(SALE_OPENS_AT_MS, Some(queue_settings(false))));
    ledger.queue("queue_joined", &joined(0, &[leaf, leaf_of(9, "second")]));
    ledger.queue("queue_called", &json!({"serving": 1}));
    let claimed = claimed(&leaf, ledger.at_ms);
    ledger.queue("pass_claimed", &claimed);
    ledger.push("held", taken(&leaf));
}

#[test]
fn queue_without_a_draw_is_first_come_first_served() {
    let mut ledger = SMALL.ledger();
    ledger.push("event_put", settings(SALE_OPENS_AT_MS, None));
    // Nothing is needed to hold without a queue.
    ledger.push("held", json!({}));
    let id = ledger.records.len() as u64 + 1;
    first_come(&mut ledger);
    let report = ledger.verify().unwrap();
    assert_eq!(report.queues.len(), 2);
    let queue = &report.queues[1];
    assert_eq!((queue.id, queue.stage, queue.root), (id, Stage::NoDraw, None));
    assert_eq!((queue.places, queue.serving, queue.passes, queue.holds), (2, 1, 1, 1));

    let mut other = ledger.clone();
    let claimed = claimed(&leaf_of(9, "second"), other.at_ms);
    other.queue("pass_claimed", &claimed);
    assert_found!(other, FindingKind::ClaimedUncalled { turn: 2, serving: 1 });

    let mut other = ledger.clone();
    other.queue("queue_called", &json!({"serving": 2, "upto": "0".repeat(32)}));
    assert_found!(other, FindingKind::Threshold { serving: 2, upto: Some(_), computed: None });

    let mut other = ledger;
    other.queue("draw_committed", &committed(&SEED, true));
    assert_found!(other, FindingKind::NoDraw);
}

#[test]
fn queue_that_nobody_joined_is_replaced() {
    let mut ledger = Ledger { at_ms: SALE_OPENS_AT_MS, ..Ledger::default() };
    for draw in [true, false] {
        ledger.push("event_put", settings(SALE_OPENS_AT_MS, Some(queue_settings(draw))));
        ledger.queue("queue_paused", &json!({"paused": true}));
    }
    let id = ledger.records.len() as u64 + 1;
    first_come(&mut ledger);
    let report = ledger.verify().unwrap();
    assert_eq!((report.queues.len(), report.queues[0].id), (1, id));
}

#[test]
fn places_and_pauses_end_with_their_queue() {
    let mut ledger = SMALL.ledger();
    let holder = SMALL.turns()[9].0;
    ledger.queue("queue_paused", &json!({"paused": true}));
    ledger.push("event_deleted", json!({}));
    let mut other = ledger.clone();
    first_come(&mut ledger);
    ledger.verify().unwrap();
    ledger.push("held", taken(&holder));
    assert_found!(ledger, FindingKind::HeldUnknown(_));

    other.push("held", taken(&holder));
    assert_found!(other, FindingKind::HeldWithoutQueue);
    other.queue("queue_called", &json!({"serving": 100}));
    assert_also_found!(other, FindingKind::NoQueue);
}

/// The sale is moved by `by_ms` after the first places were joined.
fn moved(by_ms: u64, commits: bool) -> Ledger {
    let mut ledger = SMALL.ledger();
    let index = ledger.nth("queue_joined", 1);
    if commits {
        ledger.insert(index, "draw_committed", json!({"queue": committed(&SEED, true)}));
    }
    let put = settings(SALE_OPENS_AT_MS + by_ms, Some(queue_settings(true)));
    ledger.insert(index, "event_put", put);
    // The seed of the first commitment is not the one that counts.
    if commits {
        *ledger.member("draw_committed", 0) = committed(&[1; 32], true);
    }
    ledger
}

#[test]
fn moving_the_sale_needs_another_commitment() {
    assert_found!(moved(0, true), FindingKind::CommittedTwice);
    moved(0, false).verify().unwrap();
    assert_found!(moved(1, true), FindingKind::FrozenEarly { .. });
    assert_found!(moved(1, false), FindingKind::Uncommitted { .. });
    let mut later = moved(1, true);
    let freeze = later.nth("draw_frozen", 0);
    for index in [freeze, freeze + 1] {
        later.records[index]["at_ms"] = (SALE_OPENS_AT_MS + 1).into();
    }
    later.verify().unwrap();
    // Those who joined before the sale was moved to later take part all the same, and so does who
    // joined between its old opening and its new one.
    let mut between = later.clone();
    let last = *between.of("queue_joined").iter().rfind(|index| **index < freeze).unwrap();
    between.records[last]["at_ms"] = SALE_OPENS_AT_MS.into();
    between.verify().unwrap();
    // Opened at once: all who have joined by then take part.
    let mut earlier = SMALL.ledger();
    let freeze = earlier.nth("draw_frozen", 0);
    earlier.insert(freeze, "draw_committed", json!({"queue": committed(&SEED, true)}));
    let first_ms = earlier.records[earlier.nth("queue_joined", 0)]["at_ms"].as_u64().unwrap();
    let put = settings(first_ms, Some(queue_settings(true)));
    earlier.insert(freeze, "event_put", put);
    *earlier.member("draw_committed", 0) = committed(&[1; 32], true);
    earlier.verify().unwrap();
    // Moved after the freeze, it changes nothing.
    let mut after = SMALL.ledger();
    let put = settings(ROUND_AT_S * 2_000, Some(queue_settings(true)));
    after.insert(after.nth("draw_revealed", 0), "event_put", put);
    after.verify().unwrap();
}

#[test]
fn draw_cannot_be_switched_after_joins() {
    let mut ledger = SMALL.ledger();
    let put = |draw| settings(SALE_OPENS_AT_MS, Some(queue_settings(draw)));
    ledger.insert(ledger.nth("queue_joined", 1), "event_put", put(false));
    assert_found!(ledger, FindingKind::DrawSwitched);
    // Before the first it can, and off and on again it needs another commitment.
    let mut ledger = SMALL.ledger();
    let first = ledger.nth("queue_joined", 0);
    ledger.insert(first, "event_put", put(true));
    ledger.insert(first, "event_put", put(false));
    assert_found!(ledger, FindingKind::Uncommitted { .. });
    ledger.insert(first + 2, "draw_committed", json!({"queue": committed(&SEED, true)}));
    ledger.verify().unwrap();
}

#[test]
fn queue_opens_at_its_time() {
    let mut ledger = SMALL.ledger();
    let first = ledger.nth("queue_joined", 0);
    ledger.records[first]["at_ms"] = (QUEUE_OPENS_AT_MS - 1).into();
    assert_found!(ledger, FindingKind::JoinedEarly { opens_at_ms: QUEUE_OPENS_AT_MS });
}

#[test]
fn records_of_other_events_are_skipped() {
    let bodies = SMALL.ledger().bodies();
    let mut verifier = LedgerVerifier::new(EVENT, beacons());
    for body in &bodies {
        verifier.push(body.replacen("\"event\":\"opera\"", "\"event\":\"circus\"", 1).as_bytes());
        verifier.push(body.as_bytes());
    }
    verifier.finish().unwrap();
    let findings = LedgerVerifier::new(EVENT, beacons()).finish().unwrap_err();
    assert_eq!(findings[0].kind, FindingKind::NoRecords);
}
