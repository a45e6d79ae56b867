//! Nobody gets a better turn by being early, or by being many.

use std::ops::Range;

use statrs::distribution::{ChiSquared, ContinuousCDF};

use crate::report::Report;

/// With such a probability under the hypothesis of equal chances, the draw is not fair. A fair one
/// fails once in a million runs.
const P_MIN: f64 = 1e-6;
const PARTS: u64 = 10;

/// One who took part in the draw.
#[derive(Debug, Clone, Copy)]
pub struct Drawn {
    /// In the order of joining.
    pub index: u64,
    /// By the draw, from 1.
    pub turn: u64,
    pub is_bot: bool,
}

/// Checks the ranks of all participants, and of parts of them.
pub fn ranks(report: &mut Report, drawn: &[Drawn]) {
    let n = drawn.len() as u64;
    let mut turns: Vec<_> = drawn.iter().map(|one| one.turn).collect();
    turns.sort_unstable();
    let is_permutation = turns.iter().zip(1..).all(|(turn, expected)| *turn == expected);
    report.check("the turns of the draw are 1 to n", is_permutation, n);
    let joined = |part: Range<u64>| drawn.iter().filter(move |one| part.contains(&one.index));
    let groups: [(&str, Vec<&Drawn>); 4] = [
        ("the bot farm", drawn.iter().filter(|one| one.is_bot).collect()),
        ("the first tenth to join", joined(0..n / 10).collect()),
        ("the first quarter to join", joined(0..n / 4).collect()),
        ("the last quarter to join", joined(n - n / 4..n).collect()),
    ];
    for (name, group) in groups {
        let turns: Vec<_> = group.iter().map(|one| one.turn).collect();
        let (chi, p) = deciles(&turns, n);
        let mean = turns.iter().sum::<u64>() as f64 / turns.len().max(1) as f64 / n.max(1) as f64;
        let figure = format!(
            "{} of {n}, mean rank {mean:.3}, chi-square over deciles {chi:.1}, p = {p:.3}",
            turns.len()
        );
        report.check(&format!("the ranks of {name} are uniform"), p >= P_MIN, figure);
    }
}

/// The chi-square statistic of `turns` over ten equal parts of 1 to `n`, and its p-value with nine
/// degrees of freedom. The turns are drawn without replacement, which makes the counts more even
/// than independent ones; the statistic is corrected for that.
fn deciles(turns: &[u64], n: u64) -> (f64, f64) {
    let m = turns.len() as u64;
    if m == 0 || m >= n {
        return (f64::NAN, 0.0);
    }
    let mut counts = [0_u64; PARTS as usize];
    for turn in turns {
        counts[((turn - 1) * PARTS / n) as usize] += 1;
    }
    // Of the turns 1 to n, those in part `part`.
    let size = |part: u64| ((part + 1) * n).div_ceil(PARTS) - (part * n).div_ceil(PARTS);
    let statistic = counts.iter().zip(0..).map(|(count, part)| {
        let expected = m as f64 * size(part) as f64 / n as f64;
        (*count as f64 - expected).powi(2) / expected
    });
    let chi = statistic.sum::<f64>() * (n - 1) as f64 / (n - m) as f64;
    let p = ChiSquared::new(PARTS as f64 - 1.0).map_or(0.0, |of| of.sf(chi));
    (chi, p)
}

#[cfg(test)]
mod tests {
    use rand::{SeedableRng, rngs::StdRng, seq::SliceRandom};

    use super::*;

    fn drawn(turns: &[u64]) -> Vec<Drawn> {
        let one = |(index, turn): (u64, &u64)| Drawn { index, turn: *turn, is_bot: index < 500 };
        (0..).zip(turns).map(one).collect()
    }

    fn is_fair(turns: &[u64]) -> bool {
        let mut report = Report::default();
        ranks(&mut report, &drawn(turns));
        report.is_good()
    }

    #[test]
    fn fair_draws_pass_and_others_do_not() {
        let mut turns: Vec<u64> = (1..=2_003).collect();
        assert!(!is_fair(&turns), "first come, first served");
        let mut random = StdRng::seed_from_u64(5);
        for _ in 0..50 {
            turns.shuffle(&mut random);
            assert!(is_fair(&turns));
        }
        // The first two hundred are drawn apart from the others.
        let mut split: Vec<u64> = (1..=2_003).collect();
        split[..500].shuffle(&mut random);
        split[500..].shuffle(&mut random);
        assert!(!is_fair(&split));
        turns[7] = turns[8];
        assert!(!is_fair(&turns), "a turn twice");
    }

    #[test]
    fn p_values_of_fair_draws_are_uniform() {
        let (mut random, mut below) = (StdRng::seed_from_u64(9), 0);
        let mut turns: Vec<u64> = (1..=1_000).collect();
        for _ in 0..400 {
            turns.shuffle(&mut random);
            below += usize::from(deciles(&turns[..500], 1_000).1 < 0.25);
        }
        assert!((70..130).contains(&below), "{below} of 400 are below 0.25");
    }
}
