//! The order of a draw: as sorted naively, and fair.

use std::ops::RangeInclusive;

use draw::{DrawKey, Leaf, Order, Seed, Threshold};
use proptest::prelude::*;
use statrs::distribution::{ChiSquared, ContinuousCDF};

use crate::leaves;

fn key(number: u8) -> DrawKey {
    DrawKey::new(&Seed::from_bytes([number; 32]), Some(&[!number; 32]))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn ranks_agree_with_a_naive_sort(number: u8, n in 0_u64..200, serving in 0_u64..250) {
        let (key, leaves) = (key(number), leaves(n));
        let order = Order::new(&key, leaves.iter().copied());
        let mut sorted = leaves.clone();
        sorted.sort_by_key(|leaf| (key.value(leaf), *leaf));
        prop_assert_eq!((order.len(), order.is_empty()), (n, n == 0));
        for (turn, leaf) in (1..).zip(&sorted) {
            let threshold = key.threshold_of(leaf);
            prop_assert_eq!(order.rank(threshold), Some(turn));
            prop_assert_eq!(order.upto(turn), Some(threshold));
            // A place alone can tell whether it is called.
            let called = order.upto(serving).is_some_and(|upto| threshold <= upto);
            prop_assert_eq!(called, turn <= serving);
        }
        let last = sorted.last().map(|leaf| key.threshold_of(leaf));
        prop_assert_eq!(order.upto(n + 1), last);
        prop_assert_eq!(order.upto(u64::MAX), last);
        prop_assert_eq!(order.upto(0), None);
        let stranger = key.threshold_of(&Leaf::of("event", 2, "0"));
        prop_assert_eq!(order.rank(stranger), None);
    }

    #[test]
    fn thresholds_are_ordered_as_numbers(one: u128, other: u128) {
        let (first, second) = (Threshold::new(one), Threshold::new(other));
        prop_assert_eq!(first.cmp(&second), one.cmp(&other));
        prop_assert_eq!(first.to_string().cmp(&second.to_string()), one.cmp(&other));
    }
}

/// Probabilities of a sum of squares at least as large and at least as small as this one, if the
/// draw is fair, must both exceed 1 in 1,000. Seeds are fixed, so the test always gives the same.
const SANE: RangeInclusive<f64> = 0.001..=0.999;

const PLACES: u64 = 2_000;
const DECILES: usize = 10;
const SEEDS: u8 = 50;

/// Pearson's sum over the deciles of `ranks`, which are those of a group among all places. Its
/// members are drawn without replacement, so counts vary less than independent ones, by
/// (N - n) / (N - 1).
fn chi_square(ranks: &[u64]) -> f64 {
    let mut counts = [0.0; DECILES];
    for rank in ranks {
        counts[usize::try_from((rank - 1) * DECILES as u64 / PLACES).unwrap()] += 1.0;
    }
    let (all, part) = (PLACES as f64, ranks.len() as f64);
    let expected = part / DECILES as f64;
    let sum: f64 = counts.iter().map(|count: &f64| (count - expected).powi(2) / expected).sum();
    sum * (all - 1.0) / (all - part)
}

fn ranks(key: &DrawKey, leaves: &[Leaf], group: &[Leaf]) -> Vec<u64> {
    let order = Order::new(key, leaves.iter().copied());
    group.iter().map(|leaf| order.rank(key.threshold_of(leaf)).unwrap()).collect()
}

fn p_value(sum: f64, degrees: f64) -> f64 {
    ChiSquared::new(degrees).unwrap().sf(sum)
}

#[test]
fn no_group_is_favoured() {
    let leaves = leaves(PLACES);
    let degrees = (DECILES - 1) as f64;
    let groups: [(&str, Vec<Leaf>); 3] = [
        ("leaves of even index", leaves.iter().copied().step_by(2).collect()),
        ("first tenth to join", leaves[..leaves.len() / 10].to_vec()),
        ("leaves below 2^253", leaves.iter().copied().filter(|l| l.as_bytes()[0] < 32).collect()),
    ];
    for (name, group) in groups {
        let sums: Vec<f64> =
            (0..SEEDS).map(|seed| chi_square(&ranks(&key(seed), &leaves, &group))).collect();
        let each: Vec<f64> = sums.iter().map(|sum| p_value(*sum, degrees)).collect();
        let total = p_value(sums.iter().sum(), degrees * f64::from(SEEDS));
        let least = each.iter().copied().fold(1.0, f64::min);
        println!(
            "{name}: {} of {PLACES}, seed 0: p = {:.3}, {SEEDS} seeds: p = {total:.3}, least {least:.4}",
            group.len(),
            each[0],
        );
        assert!(SANE.contains(&total), "{name}: {total}");
        // The least of 50 is below 1 in 50,000 once in 1,000 fair tests.
        assert!(least > 0.001 / f64::from(SEEDS), "{name}: {least}");
    }
}

#[test]
fn unfair_draws_are_noticed() {
    let earliest_first: Vec<u64> = (1..=PLACES / 10).collect();
    let every_tenth: Vec<u64> = (1..=PLACES).step_by(10).collect();
    for ranks in [earliest_first, every_tenth] {
        let p = p_value(chi_square(&ranks), (DECILES - 1) as f64);
        assert!(!SANE.contains(&p), "{p}");
    }
}
