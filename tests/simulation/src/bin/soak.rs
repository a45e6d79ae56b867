//! Many simulations, each in a process of its own, on as many threads as there are processors.
//!
//! `SEED=17` runs one; `SEEDS=10000` runs as many, from `FROM` (0 when not given). Exits with 1
//! when one fails, and names its seed. A process of its own, because libraries count on through a
//! process: so a seed tells the same story whenever it is told.
#![allow(clippy::print_stdout)]

use std::{
    process::{Command, ExitCode},
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use simulation::{Scenario, run};

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

fn main() -> ExitCode {
    match number("SEED") {
        Some(seed) => one(seed),
        None => many(number("FROM").unwrap_or(0), number("SEEDS").unwrap_or(200)),
    }
}

fn one(seed: u64) -> ExitCode {
    match run(&Scenario::of(seed)) {
        Ok(outcome) => {
            println!("seed {seed}: {outcome}");
            ExitCode::SUCCESS
        }
        Err(failure) => {
            println!("seed {seed} FAILED: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn many(from: u64, seeds: u64) -> ExitCode {
    let Ok(this) = std::env::current_exe() else { return ExitCode::FAILURE };
    let (next, failed, shown) =
        (AtomicU64::new(0), Mutex::new(Vec::new()), Mutex::new(Instant::now()));
    let started = Instant::now();
    let run_next = || {
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            if at >= seeds {
                return;
            }
            let seed = from + at;
            let told = Command::new(&this).env("SEED", seed.to_string()).output();
            let (told, right) = match &told {
                Ok(output) => {
                    (String::from_utf8_lossy(&output.stdout).into_owned(), output.status.success())
                }
                Err(error) => (format!("seed {seed} FAILED: {error}\n"), false),
            };
            if !right {
                print!("{told}");
                failed.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(seed);
            }
            let mut shown = shown.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            if shown.elapsed() > Duration::from_secs(5) {
                *shown = Instant::now();
                println!(
                    "{} of {seeds} seeds in {} s: {}",
                    at + 1,
                    started.elapsed().as_secs(),
                    told.trim_end()
                );
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(run_next);
        }
    });
    let failed = failed.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    println!(
        "{seeds} seeds from {from} in {} s, {} failed",
        started.elapsed().as_secs(),
        failed.len()
    );
    if let Some(seed) = failed.first() {
        println!("repeat with: make soak SEED={seed}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
