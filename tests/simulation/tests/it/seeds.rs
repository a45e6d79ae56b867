//! A bounded number of seeds, and one seed twice.

use std::time::Duration;

use simulation::{CallStats, Scenario, crowd::CrowdStats, run};

/// The number of seeds; `SEEDS` in the environment overrides it. Many more: `make soak SEEDS=…`.
fn seeds() -> u64 {
    std::env::var("SEEDS").ok().and_then(|text| text.parse().ok()).unwrap_or(16)
}

fn try_seeds(from: u64, count: u64) {
    let (mut calls, mut unknown, mut unknown_done, mut crashes) = (0, 0, 0, 0);
    let (mut total, mut slowest) = (CallStats::default(), Duration::ZERO);
    let (mut crowd, mut draws) = (CrowdStats::default(), 0);
    for seed in from..from + count {
        let outcome = run(&Scenario::of(seed)).unwrap_or_else(|failure| {
            panic!("seed {seed}: {failure}\nrepeat with: make soak SEED={seed}")
        });
        calls += outcome.checked.calls;
        unknown += outcome.checked.unknown;
        unknown_done += outcome.checked.unknown_done;
        let faults = outcome.faults;
        crashes += faults.kills + faults.power_losses + faults.failures;
        total.calls += outcome.calls.calls;
        total.carried += outcome.calls.carried;
        total.batches += outcome.calls.batches;
        total.retries += outcome.calls.retries;
        total.opened += outcome.calls.opened;
        total.duplicated += outcome.calls.duplicated;
        slowest = slowest.max(outcome.healed_in);
        crowd.places += outcome.crowd.places;
        crowd.asked_again += outcome.crowd.asked_again;
        crowd.passes += outcome.crowd.passes;
        crowd.holds += outcome.crowd.holds;
        draws += u64::from(outcome.crowd.drawn);
    }
    println!(
        "seeds {from} to {}: {calls} calls, {unknown} without a response of which {unknown_done} \
         took effect, {crashes} crashes; {total:?}; {crowd:?}, {draws} draws; healed within {} ms",
        from + count - 1,
        slowest.as_millis()
    );
    // Simulations without faults would show nothing.
    assert!(u64::from(crashes) > count && unknown > 0 && unknown_done > 0);
    assert!(
        draws > count / 2
            && crowd.asked_again > count
            && crowd.passes > count
            && crowd.holds > count,
        "{crowd:?}, {draws} draws"
    );
    assert!(
        total.retries > 0
            && total.opened > 0
            && total.duplicated > 0
            && total.carried > total.batches,
        "{total:?}"
    );
}

#[test]
fn no_seed_breaks_an_invariant() {
    try_seeds(0, seeds());
}

fn soak(seed: u64) -> String {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_soak"))
        .env("SEED", seed.to_string())
        .output()
        .unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn same_seed_gives_the_same_run() {
    let first = soak(7);
    assert_eq!(soak(7), first);
    assert_ne!(soak(8), first);
    println!("{first}");
}
