use std::time::Duration;

use simulation::{Scenario, run, world::Way};

/// How many seeds; `SEEDS` in the environment overrides it. Many more: `make soak SEEDS=…`.
fn seeds() -> u64 {
    std::env::var("SEEDS").ok().and_then(|text| text.parse().ok()).unwrap_or(16)
}

fn try_seeds(from: u64, count: u64) {
    let (mut calls, mut unknown, mut unknown_done, mut crashes) = (0, 0, 0, 0);
    let (mut way, mut slowest) = (Way::default(), Duration::ZERO);
    for seed in from..from + count {
        let outcome = run(&Scenario::of(seed)).unwrap_or_else(|failure| {
            panic!("seed {seed}: {failure}\nrepeat with: make soak SEED={seed}")
        });
        calls += outcome.checked.calls;
        unknown += outcome.checked.unknown;
        unknown_done += outcome.checked.unknown_done;
        crashes += outcome.done.kills + outcome.done.power_losses + outcome.done.failures;
        way.calls += outcome.way.calls;
        way.carried += outcome.way.carried;
        way.loads += outcome.way.loads;
        way.retries += outcome.way.retries;
        way.opened += outcome.way.opened;
        way.again += outcome.way.again;
        slowest = slowest.max(outcome.healed_in);
    }
    println!(
        "seeds {from} to {}: {calls} calls, {unknown} without an answer of which {unknown_done} had happened, {crashes} crashes; {way:?}; healed within {} ms",
        from + count - 1,
        slowest.as_millis()
    );
    // A world in which nothing goes wrong shows nothing.
    assert!(u64::from(crashes) > count && unknown > 0 && unknown_done > 0);
    assert!(
        way.retries > 0 && way.opened > 0 && way.again > 0 && way.carried > way.loads,
        "{way:?}"
    );
}

#[test]
fn no_seed_breaks_an_invariant() {
    try_seeds(0, seeds());
}

fn told(seed: u64) -> String {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_soak"))
        .env("SEED", seed.to_string())
        .output()
        .unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_seed_is_always_the_same_story() {
    let first = told(7);
    assert_eq!(told(7), first);
    assert_ne!(told(8), first);
    println!("{first}");
}
