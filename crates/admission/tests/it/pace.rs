//! The rate of calls, step by step.

use admission::{BURST_MS, COOLDOWN_MS, Health, Pace, PaceReason, PaceSettings, SAMPLES_MIN};
use proptest::prelude::*;

const SETTINGS: PaceSettings = PaceSettings {
    start_per_s: 100.0,
    min_per_s: 10.0,
    max_per_s: 104.0,
    add_per_s: 2.0,
    p99_target_ms: 200.0,
};
const WELL: Health = Health { refused: 0, p99_ms: Some(200.0), samples: SAMPLES_MIN };
const SLOW: Health = Health { p99_ms: Some(200.1), ..WELL };
const REFUSED: Health = Health { refused: 1, ..WELL };

/// Ticks, then takes all.
fn tick(pace: &mut Pace, elapsed_ms: u64, health: Health) -> (PaceReason, f64) {
    let reason = pace.tick(elapsed_ms, health);
    pace.take(u64::MAX);
    (reason, pace.per_s())
}

#[test]
fn rate_rises_by_steps_and_falls_by_halves() {
    let mut pace = Pace::new(SETTINGS);
    assert_eq!((pace.per_s(), pace.allowance()), (100.0, 0));
    assert_eq!(tick(&mut pace, 500, WELL), (PaceReason::Increase, 101.0));
    assert_eq!(tick(&mut pace, 2_000, WELL), (PaceReason::Increase, 104.0));
    assert_eq!(tick(&mut pace, 1_000, WELL), (PaceReason::AtMax, 104.0));
    assert_eq!(tick(&mut pace, 1_000, SLOW), (PaceReason::HalvedByLatency, 52.0));
    for health in [SLOW, REFUSED, WELL] {
        assert_eq!(tick(&mut pace, COOLDOWN_MS / 4, health), (PaceReason::CoolingDown, 52.0));
    }
    assert_eq!(tick(&mut pace, COOLDOWN_MS / 4, REFUSED), (PaceReason::HalvedByRefusals, 26.0));
    assert_eq!(tick(&mut pace, COOLDOWN_MS, SLOW), (PaceReason::HalvedByLatency, 13.0));
    assert_eq!(tick(&mut pace, COOLDOWN_MS, SLOW), (PaceReason::HalvedByLatency, 10.0));
    assert_eq!(tick(&mut pace, COOLDOWN_MS, WELL), (PaceReason::Increase, 30.0));
}

#[test]
fn nothing_is_concluded_from_little() {
    let mut pace = Pace::new(SETTINGS);
    let idle = (PaceReason::Idle, 100.0);
    assert_eq!(tick(&mut pace, 1_000, Health::default()), idle);
    assert_eq!(tick(&mut pace, 1_000, Health { samples: SAMPLES_MIN - 1, ..SLOW }), idle);
    let few = Health { samples: 1, ..WELL };
    assert_eq!(tick(&mut pace, 1_000, few), (PaceReason::Increase, 102.0));
}

#[test]
fn rate_that_is_not_used_does_not_rise() {
    let mut pace = Pace::new(PaceSettings { max_per_s: 1_000.0, ..SETTINGS });
    for _ in 0..100 {
        pace.tick(100, WELL);
        pace.take(5);
    }
    let unused = pace.per_s();
    assert!(unused < 110.0, "{unused}");
    assert_eq!(pace.tick(100, WELL), PaceReason::Idle);
    // Overload is heeded even then.
    assert_eq!(pace.tick(100, REFUSED), PaceReason::HalvedByRefusals);
}

#[test]
fn unused_calls_are_kept_for_a_burst() {
    let mut pace = Pace::new(SETTINGS);
    pace.tick(25, Health::default());
    assert_eq!((pace.allowance(), pace.take(1), pace.take(5), pace.take(1)), (2, 1, 1, 0));
    // Half a call is kept, too.
    pace.tick(5, Health::default());
    assert_eq!(pace.allowance(), 1);
    pace.tick(3_600_000, Health::default());
    assert_eq!(pace.allowance(), 100 * BURST_MS / 1_000);
    // A rate below one in the time of a burst calls now and then.
    let slow = PaceSettings { start_per_s: 0.125, min_per_s: 0.125, ..SETTINGS };
    let mut pace = Pace::new(slow);
    let calls = |pace: &mut Pace| {
        pace.tick(1_000, Health::default());
        pace.take(u64::MAX)
    };
    assert_eq!((0..80).map(|_| calls(&mut pace)).sum::<u64>(), 10);
}

#[test]
fn wrong_settings_give_a_rate() {
    let crossed = PaceSettings { min_per_s: 200.0, ..SETTINGS };
    assert_eq!(Pace::new(crossed).per_s(), 200.0);
    let none = PaceSettings { start_per_s: f64::NAN, add_per_s: f64::NAN, ..SETTINGS };
    let mut pace = Pace::new(none);
    assert_eq!(tick(&mut pace, 1_000, WELL), (PaceReason::Increase, 10.0));
}

fn health() -> impl Strategy<Value = Health> {
    let p99_ms = proptest::option::of(0.0..400.0);
    (prop_oneof![3 => Just(0_u64), 1 => 1..100_u64], p99_ms, 0..2 * SAMPLES_MIN)
        .prop_map(|(refused, p99_ms, samples)| Health { refused, p99_ms, samples })
}

proptest! {
    #[test]
    fn rate_and_calls_stay_in_range(
        ticks in proptest::collection::vec((0_u64..5_000, health(), 0_u64..300), 1..200),
    ) {
        let mut pace = Pace::new(SETTINGS);
        let (mut now, mut taken, mut halved) = (0, 0, None::<u64>);
        for (elapsed_ms, health, calls) in ticks {
            let before = pace.per_s();
            let reason = pace.tick(elapsed_ms, health);
            now += elapsed_ms;
            let rate = pace.per_s();
            prop_assert!((SETTINGS.min_per_s..=SETTINGS.max_per_s).contains(&rate));
            let is_halving =
                matches!(reason, PaceReason::HalvedByRefusals | PaceReason::HalvedByLatency);
            prop_assert_eq!(rate > before, reason == PaceReason::Increase && elapsed_ms > 0);
            prop_assert!(rate >= before || is_halving);
            if is_halving {
                prop_assert!(rate == (before / 2.0).max(SETTINGS.min_per_s));
                prop_assert!(halved.is_none_or(|halved| now - halved >= COOLDOWN_MS));
                halved = Some(now);
            }
            let allowance = pace.allowance();
            prop_assert!(allowance as f64 <= rate * BURST_MS as f64 / 1_000.0);
            prop_assert_eq!(pace.take(calls), calls.min(allowance));
            taken += calls.min(allowance);
            prop_assert!(taken as f64 <= now as f64 / 1_000.0 * SETTINGS.max_per_s);
        }
    }
}

#[test]
fn labels_are_distinct() {
    let mut labels = PaceReason::ALL.map(PaceReason::label).to_vec();
    labels.dedup();
    assert_eq!(labels.len(), PaceReason::ALL.len());
}
