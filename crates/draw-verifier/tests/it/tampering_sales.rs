//! Ledgers whose calls, passes and sales were tampered with, each in one way.

use draw_verifier::FindingKind;
use serde_json::json;

use crate::{
    assert_found,
    builder::{PASS_TTL_MS, leaf_of, text},
    honest::{QUEUE, SMALL, USUAL, claimed, taken},
};

#[test]
fn serving_that_does_not_increase_is_found() {
    for (nth, serving) in [(3, 150), (3, 20), (0, 0)] {
        let mut ledger = USUAL.ledger();
        let upto = ledger.member("queue_called", nth.min(serving / 50))["upto"].clone();
        ledger.member("queue_called", nth)["serving"] = serving.into();
        ledger.member("queue_called", nth)["upto"] = upto;
        let findings = ledger.verify().unwrap_err();
        let back = |kind: &FindingKind| matches!(kind, FindingKind::ServingBack { .. });
        assert!(findings.iter().any(|one| back(&one.kind)), "{findings:#?}");
    }
}

#[test]
fn serving_beyond_the_places_is_found() {
    let mut ledger = USUAL.ledger();
    let upto = USUAL.upto(&USUAL.turns(), 500);
    ledger.queue("queue_called", &json!({"serving": 601, "upto": upto}));
    assert_found!(ledger, FindingKind::ServingBeyond { serving: 601, places: 600 });
}

#[test]
fn other_threshold_is_found() {
    let turns = USUAL.turns();
    // Too generous by one place, too strict by one, and none at all.
    for upto in
        [51, 49].map(|turn| json!(USUAL.upto(&turns, turn))).into_iter().chain([json!(null)])
    {
        let mut ledger = USUAL.ledger();
        ledger.member("queue_called", 0)["upto"] = upto;
        assert_found!(ledger, FindingKind::Threshold { serving: 50, .. });
        assert_eq!(ledger.verify().unwrap_err().len(), 1);
    }
    // Serving is too small for the threshold: the last place called is not served.
    let mut ledger = USUAL.ledger();
    ledger.member("queue_called", 0)["serving"] = 49.into();
    assert_found!(ledger, FindingKind::Threshold { serving: 49, .. });
    // After the last participant the threshold stays.
    let mut ledger = USUAL.ledger();
    ledger.member("queue_called", 11)["upto"] = USUAL.upto(&turns, 499).into();
    assert_found!(ledger, FindingKind::Threshold { serving: 600, .. });
}

#[test]
fn calls_before_the_reveal_are_found() {
    let mut ledger = USUAL.ledger();
    let called = ledger.records.remove(ledger.nth("queue_called", 0));
    ledger.insert(
        ledger.nth("draw_revealed", 0),
        "queue_called",
        json!({"queue": called["queue"]}),
    );
    assert_found!(ledger, FindingKind::CalledUnrevealed);
    assert_eq!(ledger.verify().unwrap_err().len(), 1);

    let mut ledger = USUAL.ledger();
    ledger.records.remove(ledger.nth("draw_revealed", 0));
    assert_found!(ledger, FindingKind::CalledUnrevealed);
}

#[test]
fn calls_while_paused_are_found() {
    let mut ledger = USUAL.ledger();
    let called = ledger.nth("queue_called", 5);
    ledger.insert(called, "queue_paused", json!({"queue": {"paused": true}}));
    assert_found!(ledger, FindingKind::CalledPaused);
    ledger.insert(called + 1, "queue_paused", json!({"queue": {"paused": false}}));
    ledger.verify().unwrap();
}

#[test]
fn pass_beyond_serving_is_found() {
    let turns = USUAL.turns();
    let claim = |turn: usize| {
        let mut ledger = USUAL.ledger();
        let at = ledger.nth("queue_called", 3);
        let at_ms = ledger.records[at]["at_ms"].as_u64().unwrap();
        let leaf = if turn == 0 { leaf_of(QUEUE, "forged") } else { turns[turn - 1].0 };
        ledger.insert(at, "pass_claimed", json!({"queue": claimed(&leaf, at_ms)}));
        ledger
    };
    // Turn 150 was called and had claimed none.
    claim(150).verify().unwrap();
    assert_found!(claim(151), FindingKind::ClaimedUncalled { turn: 151, serving: 150 });
    assert_found!(claim(505), FindingKind::ClaimedUncalled { turn: 505, serving: 150 });
    assert_found!(claim(1), FindingKind::ClaimedTwice(_));
    assert_found!(claim(0), FindingKind::ClaimedUnknown(_));
}

#[test]
fn pass_before_the_reveal_is_found() {
    let mut ledger = USUAL.ledger();
    let index = ledger.nth("draw_revealed", 0);
    let at_ms = ledger.records[index]["at_ms"].as_u64().unwrap();
    let leaf = USUAL.turns()[9].0;
    ledger.insert(index, "pass_claimed", json!({"queue": claimed(&leaf, at_ms)}));
    ledger.insert(index, "held", taken(&leaf));
    assert_found!(ledger, FindingKind::HeldUndrawn(_));
    ledger.records.remove(index);
    assert_found!(ledger, FindingKind::ClaimedUndrawn(_));
}

#[test]
fn pass_claimed_twice_is_found() {
    // Also when the first one was spent or has expired.
    for nth in [0, 3] {
        let mut ledger = USUAL.ledger();
        let claim = ledger.records[ledger.nth("pass_claimed", nth)]["queue"].clone();
        ledger.at_ms += 2 * PASS_TTL_MS;
        let mut claim = json!({"queue": claim});
        claim["queue"]["expires_at_ms"] = (ledger.at_ms + PASS_TTL_MS).into();
        ledger.push("pass_claimed", claim);
        assert_found!(ledger, FindingKind::ClaimedTwice(_));
    }
}

#[test]
fn pass_that_lasts_too_long_is_found() {
    let mut ledger = USUAL.ledger();
    let expires_at_ms = ledger.member("pass_claimed", 0)["expires_at_ms"].as_u64().unwrap();
    // Its expiry may be rounded up to a second.
    ledger.member("pass_claimed", 0)["expires_at_ms"] =
        expires_at_ms.next_multiple_of(1_000).into();
    ledger.verify().unwrap();
    ledger.member("pass_claimed", 0)["expires_at_ms"] = (expires_at_ms + 1_000).into();
    assert_found!(ledger, FindingKind::PassTooLong { .. });
}

#[test]
fn forged_passes_are_found() {
    let mut ledger = USUAL.ledger();
    // Turn 10 was called and claimed no pass.
    ledger.push("held", taken(&USUAL.turns()[9].0));
    assert_found!(ledger, FindingKind::HeldWithoutPass(_));

    let mut ledger = USUAL.ledger();
    ledger.push("sold", taken(&leaf_of(QUEUE, "forged")));
    assert_found!(ledger, FindingKind::HeldUnknown(_));
}

#[test]
fn hold_beyond_serving_is_found() {
    let mut ledger = USUAL.ledger();
    let at = ledger.nth("queue_called", 3);
    ledger.insert(at, "held", taken(&USUAL.turns()[159].0));
    assert_found!(ledger, FindingKind::HeldBeyondServing { turn: 160, serving: 150 });

    let mut ledger = USUAL.ledger();
    ledger.insert(at, "sold", taken(&USUAL.turns()[519].0));
    assert_found!(ledger, FindingKind::HeldBeyondServing { turn: 520, serving: 150 });
}

#[test]
fn spent_pass_is_found() {
    let mut ledger = USUAL.ledger();
    let held = ledger.records[ledger.nth("held", 7)].clone();
    ledger.push("released", json!({}));
    ledger.push("held", json!({"place": held["place"]}));
    assert_found!(ledger, FindingKind::PassSpent(_));
}

#[test]
fn expired_pass_is_found() {
    // Turn 4 claimed a pass and did not use it.
    let leaf = USUAL.turns()[3].0;
    let mut ledger = USUAL.ledger();
    let claim = ledger.of("pass_claimed").into_iter().map(|index| &ledger.records[index]["queue"]);
    let claim = claim.into_iter().find(|claim| claim["leaf"] == text(&leaf)).unwrap();
    let expires_at_ms = claim["expires_at_ms"].as_u64().unwrap();
    ledger.at_ms = expires_at_ms - 1;
    ledger.push("held", taken(&leaf));
    ledger.verify().unwrap();
    ledger.records.last_mut().unwrap()["at_ms"] = expires_at_ms.into();
    assert_found!(ledger, FindingKind::PassExpired { .. });
}

#[test]
fn hold_without_a_place_is_found() {
    for kind in ["held", "sold"] {
        let mut ledger = SMALL.ledger();
        let index = ledger.nth(kind, 0);
        ledger.records[index].as_object_mut().unwrap().remove("place");
        assert_found!(ledger, FindingKind::HeldWithoutPlace);
        // Before the first place is called as well.
        let mut ledger = SMALL.ledger();
        ledger.insert(ledger.nth("draw_committed", 0), kind, json!({}));
        let findings = ledger.verify().unwrap_err();
        assert_eq!(findings[0].kind, FindingKind::HeldWithoutPlace);
    }
}
