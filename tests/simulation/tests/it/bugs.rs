//! Planted bugs: each has to be found, or the simulation is not worth much.

use checker::Invariant;
use inventory::planted::Bug;
use simulation::{Failure, Planted, Scenario, run};
use ticket::planted::Bug as WayBug;

/// Plants `bug` and runs seeds until one finds it; returns what it found.
fn found(bug: impl Into<Planted>, most: u64) -> Invariant {
    let (_, failure) = failed(bug.into(), most);
    match failure {
        Failure::Broken(finding) => finding.invariant,
        // What is on the disk does not follow from itself.
        Failure::Ended(_) => Invariant::I3,
        other => panic!("found only by {other}"),
    }
}

/// The first seed that finds `bug`, and what it found.
fn failed(bug: Planted, most: u64) -> (u64, Failure) {
    // Buyers who are refused all the time would go on for minutes.
    let calls = if bug == WayBug::NeverHalfOpen.into() { 6 } else { Scenario::of(0).calls };
    let found = (0..most).find_map(|seed| {
        Some((seed, run(&Scenario { bug: Some(bug), calls, ..Scenario::of(seed) }).err()?))
    });
    let (seed, failure) = found.unwrap_or_else(|| panic!("{bug:?} was not found by {most} seeds"));
    println!("{bug:?}: found by seed {seed}: {failure}");
    (seed, failure)
}

#[test]
fn acknowledging_before_the_sync_is_found() {
    // The lost record itself, or an answer that only it explains.
    assert!(matches!(found(Bug::AckBeforeSync, 12), Invariant::I2 | Invariant::I5));
}

#[test]
fn expiry_by_a_sweeper_is_found() {
    assert_eq!(found(Bug::ExpiryBySweeper, 12), Invariant::I5);
}

#[test]
fn going_on_after_a_failed_write_is_found() {
    // What is on the disk and what is in memory part ways: the one or the other tells.
    assert!(matches!(found(Bug::LostPoison, 24), Invariant::I2 | Invariant::I3 | Invariant::I5));
}

#[test]
fn a_key_apart_from_its_effect_is_found() {
    assert_eq!(found(Bug::KeyApartFromEffect, 12), Invariant::I4);
}

#[test]
fn a_refund_that_returns_twice_is_found() {
    assert_eq!(found(Bug::DoubleRefund, 12), Invariant::I3);
}

#[test]
fn a_limit_that_is_blind_within_a_batch_is_found() {
    assert_eq!(found(Bug::LimitBlindInBatch, 48), Invariant::I1);
}

#[test]
fn stale_reads_are_found() {
    assert_eq!(found(Bug::StaleReads, 12), Invariant::I5);
}

#[test]
fn an_answer_made_anew_is_found() {
    // It is another than the first one, or one that the state does not explain.
    assert!(matches!(found(Bug::AnswerMadeAnew, 24), Invariant::I2 | Invariant::I5));
}

#[test]
fn calls_repeated_with_new_keys_are_found() {
    // A key that nobody asked with.
    assert!(matches!(found(WayBug::RepeatedWithNewKeys, 12), Invariant::I4 | Invariant::I5));
}

#[test]
fn answers_to_the_wrong_buyers_are_found() {
    // A sale that another asked for, a key with two effects, or a refusal of somebody who asked for
    // less: which comes first differs, as the stories of one process depend on the tests beside
    // this one.
    assert!(matches!(
        found(WayBug::AnswersShifted, 12),
        Invariant::I2 | Invariant::I4 | Invariant::I5
    ));
}

#[test]
fn forgetting_that_a_call_may_have_arrived_is_found() {
    assert_eq!(found(WayBug::SentForgotten, 48), Invariant::I5);
}

#[test]
fn a_breaker_that_never_tries_again_is_found() {
    let (_, failure) = failed(WayBug::NeverHalfOpen.into(), 12);
    assert!(matches!(failure, Failure::Stuck), "{failure}");
}

#[test]
fn every_planted_bug_is_in_this_file() {
    let source = include_str!("bugs.rs");
    for bug in Bug::ALL {
        assert!(source.contains(&format!("(Bug::{bug:?}, ")), "{bug:?}");
    }
    for bug in WayBug::ALL {
        assert!(source.contains(&format!("(WayBug::{bug:?}")), "{bug:?}");
    }
}
