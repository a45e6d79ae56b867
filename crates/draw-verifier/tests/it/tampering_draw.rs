//! Ledgers whose draw was tampered with, each in one way. The chain itself is made again.

use draw_verifier::FindingKind;
use serde_json::{Value, json};

use crate::{
    assert_also_found, assert_found,
    builder::{
        CHAIN, Ledger, ROUND, SALE_OPENS_AT_MS, hex, leaf_of, root, sha256, signature, text, verify,
    },
    honest::{QUEUE, SMALL, USUAL, committed, joined},
};

fn leaves(ledger: &mut Ledger, nth: usize) -> &mut Vec<Value> {
    ledger.member("queue_joined", nth)["leaves"].as_array_mut().unwrap()
}

#[test]
fn swapped_places_are_found() {
    let mut ledger = USUAL.ledger();
    leaves(&mut ledger, 3).swap(0, 1);
    assert_found!(ledger, FindingKind::Root { .. });
}

#[test]
fn added_leaf_is_found() {
    let forged = text(&leaf_of(QUEUE, "forged"));
    let mut ledger = USUAL.ledger();
    leaves(&mut ledger, 24).push(forged.into());
    assert_found!(ledger, FindingKind::Participants { n: 500, counted: 501 });
    assert_also_found!(ledger, FindingKind::Numbering { expected: 501, from: 500 });
    ledger.renumber();
    assert_found!(ledger, FindingKind::Participants { n: 500, counted: 501 });
    // The number is changed as well, and then the root.
    ledger.member("draw_frozen", 0)["n"] = 501.into();
    assert_found!(ledger, FindingKind::Root { .. });
    let mut all = USUAL.leaves()[..500].to_vec();
    all.push(leaf_of(QUEUE, "forged"));
    ledger.member("draw_frozen", 0)["root"] = hex(root(&all)).into();
    // It is another draw now, in which others were called.
    ledger.verify().unwrap_err();
}

#[test]
fn leaf_added_after_the_freeze_is_found() {
    let mut ledger = USUAL.ledger();
    let after = ledger.nth("draw_frozen", 0) + 1;
    let forged = joined(500, &[leaf_of(QUEUE, "forged")]);
    ledger.insert(after, "queue_joined", json!({"queue": forged}));
    ledger.renumber();
    ledger.records[after]["at_ms"] = (SALE_OPENS_AT_MS - 1).into();
    assert_found!(ledger, FindingKind::TimeWentBack { .. });
    assert_also_found!(ledger, FindingKind::ParticipantAfterFreeze { .. });
}

#[test]
fn late_place_before_the_freeze_does_not_take_part() {
    let mut ledger = USUAL.ledger();
    let (freeze, late) = (ledger.nth("draw_frozen", 0), ledger.nth("queue_joined", 25));
    assert_eq!(late, freeze + 1);
    ledger.records.swap(freeze, late);
    ledger.records[freeze]["at_ms"] = SALE_OPENS_AT_MS.into();
    ledger.verify().unwrap();
    ledger.records[freeze]["at_ms"] = (SALE_OPENS_AT_MS - 1).into();
    assert_found!(ledger, FindingKind::Participants { n: 500, counted: 525 });
}

#[test]
fn removed_leaf_is_found() {
    let mut ledger = USUAL.ledger();
    leaves(&mut ledger, 3).remove(0);
    assert_found!(ledger, FindingKind::Numbering { expected: 79, from: 80 });
    ledger.renumber();
    assert_found!(ledger, FindingKind::Participants { n: 500, counted: 499 });
}

#[test]
fn duplicated_leaf_is_found() {
    let mut ledger = USUAL.ledger();
    let leaf = leaves(&mut ledger, 3)[0].clone();
    leaves(&mut ledger, 4)[5] = leaf;
    assert_found!(ledger, FindingKind::DuplicateLeaf { index: 60, .. });
}

#[test]
fn missing_commitment_is_found() {
    let mut ledger = USUAL.ledger();
    ledger.records.remove(ledger.nth("draw_committed", 0));
    assert_found!(ledger, FindingKind::Uncommitted { since: QUEUE });
    // A commitment after the first place is too late for it.
    let mut ledger = USUAL.ledger();
    let index = ledger.nth("draw_committed", 0);
    ledger.records.swap(index, index + 1);
    ledger.records[index]["at_ms"] = ledger.records[index + 1]["at_ms"].clone();
    ledger.records[index + 1]["at_ms"] = ledger.records[index]["at_ms"].clone();
    let findings = ledger.verify().unwrap_err();
    assert!(findings.iter().any(|one| one.kind == FindingKind::Uncommitted { since: QUEUE }));
}

#[test]
fn other_seed_is_found() {
    let mut ledger = USUAL.ledger();
    ledger.member("draw_revealed", 0)["seed"] = hex([8; 32]).into();
    assert_found!(ledger, FindingKind::Commitment);
    assert_eq!(ledger.verify().unwrap_err().len(), 1);
}

#[test]
fn other_commitment_is_found() {
    let other = || json!({"queue": committed(&[8; 32], true)});
    for kind in ["draw_revealed", "queue_called"] {
        let mut ledger = USUAL.ledger();
        ledger.insert(ledger.nth(kind, 0), "draw_committed", other());
        assert_found!(ledger, FindingKind::CommittedLate);
        ledger.member("draw_revealed", 0)["seed"] = hex([8; 32]).into();
        ledger.verify().unwrap_err();
    }
    // Before the freeze, too: nothing has asked for another one.
    let mut ledger = USUAL.ledger();
    ledger.insert(ledger.nth("draw_frozen", 0), "draw_committed", other());
    assert_found!(ledger, FindingKind::CommittedTwice);
}

#[test]
fn other_beacon_is_found() {
    let mut ledger = USUAL.ledger();
    ledger.member("draw_revealed", 0)["beacon"] =
        json!({"round": ROUND + 1, "signature": hex(signature(CHAIN, ROUND + 1))});
    assert_found!(ledger, FindingKind::BeaconRound { committed: ROUND, revealed: 1_001 });

    let mut ledger = USUAL.ledger();
    let signed = hex(signature(CHAIN, ROUND + 1));
    ledger.member("draw_revealed", 0)["beacon"]["signature"] = signed.into();
    assert_found!(ledger, FindingKind::BeaconSignature(_));

    let mut ledger = USUAL.ledger();
    ledger.member("draw_committed", 0)["beacon"]["chain"] = hex([1; 32]).into();
    assert_found!(ledger, FindingKind::BeaconSignature(_));

    let mut ledger = USUAL.ledger();
    ledger.member("draw_committed", 0)["beacon"]["round"] = (ROUND + 1).into();
    assert_found!(ledger, FindingKind::BeaconRound { committed: 1_001, revealed: ROUND });
}

#[test]
fn beacon_left_out_is_another_draw() {
    // Those called by the witnessed order are not those of the unwitnessed one.
    let mut ledger = USUAL.ledger();
    ledger.member("draw_revealed", 0).as_object_mut().unwrap().remove("beacon");
    assert_found!(ledger, FindingKind::Threshold { .. });
    // With nobody called yet it is unwitnessed.
    ledger.records.truncate(ledger.nth("queue_called", 0));
    assert!(ledger.verify().unwrap().queues[0].is_unwitnessed());

    let mut ledger = USUAL.ledger();
    ledger.member("draw_committed", 0).as_object_mut().unwrap().remove("beacon");
    assert_found!(ledger, FindingKind::BeaconUncommitted);
}

#[test]
fn beacon_that_existed_at_the_freeze_is_found() {
    let mut ledger = USUAL.ledger();
    let early = ROUND - 11;
    ledger.member("draw_committed", 0)["beacon"]["round"] = early.into();
    ledger.member("draw_revealed", 0)["beacon"] =
        json!({"round": early, "signature": hex(signature(CHAIN, early))});
    assert_found!(ledger, FindingKind::BeaconEarly { .. });
    // Where the freeze was late, an honest draw goes on without the beacon.
    ledger.member("draw_revealed", 0).as_object_mut().unwrap().remove("beacon");
    let mut honest = ledger.clone();
    honest.records.truncate(honest.nth("queue_called", 0));
    assert!(honest.verify().unwrap().queues[0].is_unwitnessed());
    // A round that is published at the freeze is not known before it.
    let first = ROUND - 10;
    ledger.member("draw_committed", 0)["beacon"]["round"] = first.into();
    ledger.member("draw_revealed", 0)["beacon"] =
        json!({"round": first, "signature": hex(signature(CHAIN, first))});
    ledger.records.truncate(ledger.nth("queue_called", 0));
    ledger.verify().unwrap();
}

#[test]
fn other_rule_is_found() {
    let mut ledger = USUAL.ledger();
    ledger.member("draw_committed", 0)["rule"] = "lottery".into();
    assert_found!(ledger, FindingKind::Rule(_));
}

#[test]
fn other_freeze_is_found() {
    let mut ledger = USUAL.ledger();
    ledger.member("draw_frozen", 0)["root"] = hex([1; 32]).into();
    assert_found!(ledger, FindingKind::Root { .. });

    for n in [499, 501] {
        let mut ledger = USUAL.ledger();
        ledger.member("draw_frozen", 0)["n"] = n.into();
        assert_found!(ledger, FindingKind::Participants { counted: 500, .. });
    }

    let mut ledger = USUAL.ledger();
    let freeze = ledger.nth("draw_frozen", 0);
    ledger.records[freeze]["at_ms"] = (SALE_OPENS_AT_MS - 1).into();
    assert_found!(ledger, FindingKind::FrozenEarly { opens_at_ms: SALE_OPENS_AT_MS });
}

#[test]
fn reveal_comes_once_and_after_the_freeze() {
    let mut ledger = USUAL.ledger();
    let (freeze, reveal) = (ledger.nth("draw_frozen", 0), ledger.nth("draw_revealed", 0));
    ledger.records[reveal]["at_ms"] = ledger.records[freeze]["at_ms"].clone();
    ledger.records.swap(freeze, reveal);
    assert_found!(ledger, FindingKind::RevealedUnfrozen);
    for (kind, twice) in
        [("draw_frozen", FindingKind::FrozenTwice), ("draw_revealed", FindingKind::RevealedTwice)]
    {
        let mut ledger = USUAL.ledger();
        let index = ledger.nth(kind, 0);
        ledger.records.insert(index + 1, ledger.records[index].clone());
        assert_eq!(ledger.verify().unwrap_err()[0].kind, twice);
    }
}

#[test]
fn broken_chain_is_found() {
    let mut bodies = SMALL.ledger().bodies();
    let index = bodies.len() / 2;
    bodies[index] = bodies[index].replacen("\"left\":", "\"left\": ", 1);
    let findings = verify(&bodies).unwrap_err();
    assert_eq!(findings[0].kind, FindingKind::Chain);
    assert_eq!((findings[0].seq, findings.len()), (index as u64 + 2, 1));

    let mut bodies = SMALL.ledger().bodies();
    bodies.remove(20);
    let findings = verify(&bodies).unwrap_err();
    assert_eq!((findings[0].seq, &findings[0].kind), (22, &FindingKind::Gap { expected: 21 }));
    // A ledger begins with its first record.
    let findings = verify(&SMALL.ledger().bodies()[1..]).unwrap_err();
    assert_eq!(findings[0].kind, FindingKind::Gap { expected: 1 });
    // The first record names nothing before it.
    let first = SMALL.ledger().bodies()[0].replacen(&"0".repeat(64), &hex(sha256("")), 1);
    assert_eq!(verify(&[first]).unwrap_err()[0].kind, FindingKind::Chain);
}

#[test]
fn unreadable_records_are_found() {
    let mut bodies = SMALL.ledger().bodies();
    bodies[10].insert(0, '[');
    let findings = verify(&bodies).unwrap_err();
    assert!(matches!(findings[0].kind, FindingKind::NotARecord(_)), "{findings:#?}");
    assert_eq!(findings[0].seq, 11);
    for (kind, member, value) in [
        ("queue_called", "more", json!(1)),
        ("queue_called", "serving", json!(-1)),
        ("queue_called", "upto", json!("AB")),
        ("queue_joined", "leaves", json!(["short"])),
        ("draw_frozen", "root", json!("00")),
    ] {
        let mut ledger = SMALL.ledger();
        ledger.member(kind, 0)[member] = value;
        assert_found!(ledger, FindingKind::NotARecord(_));
    }
    let mut ledger = SMALL.ledger();
    ledger.queue("queue_shuffled", &json!({}));
    assert_found!(ledger, FindingKind::NotARecord(_));
}

#[test]
fn findings_are_bounded() {
    let mut ledger = USUAL.ledger();
    for record in ledger.records.iter_mut().filter(|record| record["kind"] == "held") {
        record.as_object_mut().unwrap().remove("place");
    }
    let findings = ledger.verify().unwrap_err();
    assert_eq!(findings.len(), draw_verifier::FINDINGS_MAX);
    assert!(findings.iter().all(|one| one.kind == FindingKind::HeldWithoutPlace));
}
