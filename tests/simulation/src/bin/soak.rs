//! Many simulations, each in a process of its own, on as many threads as there are processors.
//!
//! Exits with 1 when one fails, and names its seed. A process of its own, because libraries number
//! their tasks process-wide: this way a seed always gives the same run.
//!
//! With `--expect` the failure is the success: a planted bug must be found.
#![allow(clippy::print_stdout)]

use std::{
    collections::BTreeMap,
    process::{Command, ExitCode},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use clap::Parser;
use simulation::{Scenario, run};

/// Time between two lines about progress.
const PROGRESS: Duration = Duration::from_secs(5);

/// Runs simulations with injected faults.
#[derive(Parser)]
struct Args {
    /// Run this seed alone
    #[arg(long, env = "SEED")]
    seed: Option<u64>,
    /// Number of seeds
    #[arg(long, env = "SEEDS", default_value_t = 200)]
    seeds: u64,
    /// The first seed
    #[arg(long, env = "FROM", default_value_t = 0)]
    from: u64,
    /// Calls of each buyer
    #[arg(long, env = "CALLS")]
    calls: Option<u32>,
    /// Stop at the first seed that fails. Exit with 0 when its failure is one of these (I1 to I5,
    /// ended, stuck, counts, crowd), with 1 when no seed fails or one fails otherwise
    #[arg(long, value_delimiter = ',', value_name = "FAILURE,…", value_parser = KINDS)]
    expect: Vec<String>,
}

const KINDS: [&str; 9] = ["I1", "I2", "I3", "I4", "I5", "ended", "stuck", "counts", "crowd"];

fn main() -> ExitCode {
    let args = Args::parse();
    match args.seed {
        Some(seed) => one(seed, args.calls),
        None => many(&args),
    }
}

fn one(seed: u64, calls: Option<u32>) -> ExitCode {
    let mut scenario = Scenario::of(seed);
    scenario.calls = calls.unwrap_or(scenario.calls);
    match run(&scenario) {
        Ok(outcome) => {
            println!("seed {seed}: {outcome}");
            ExitCode::SUCCESS
        }
        Err(failure) => {
            println!("seed {seed} FAILED ({}): {failure}", failure.kind());
            ExitCode::FAILURE
        }
    }
}

/// The seeds that failed, each with its output.
type Failed = BTreeMap<u64, String>;

fn many(args: &Args) -> ExitCode {
    let started = Instant::now();
    let failed = match run_all(args, started) {
        Ok(failed) => failed,
        Err(error) => {
            println!("cannot start a simulation: {error}");
            return ExitCode::FAILURE;
        }
    };
    if !args.expect.is_empty() {
        return expected(args, &failed);
    }
    println!(
        "{} seeds from {} in {} s, {} failed",
        args.seeds,
        args.from,
        started.elapsed().as_secs(),
        failed.len()
    );
    let Some(seed) = failed.keys().next() else { return ExitCode::SUCCESS };
    println!("repeat with: make soak SEED={seed}");
    ExitCode::FAILURE
}

fn expected(args: &Args, failed: &Failed) -> ExitCode {
    let Some((_, text)) = failed.first_key_value() else {
        println!("not found by {} seeds from {}", args.seeds, args.from);
        return ExitCode::FAILURE;
    };
    let kinds = args.expect.iter().map(|kind| format!("FAILED ({kind}):"));
    let found = kinds.into_iter().any(|kind| text.contains(&kind));
    println!("{}: {}", if found { "found" } else { "found otherwise" }, text.trim_end());
    if found { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs the seeds in order; with an expectation, until one fails and those before it are done.
fn run_all(args: &Args, started: Instant) -> std::io::Result<Failed> {
    let this = std::env::current_exe()?;
    let (next, stop) = (AtomicU64::new(0), AtomicBool::new(false));
    let (failed, shown) = (Mutex::new(Failed::new()), Mutex::new(started));
    let run_next = || -> std::io::Result<()> {
        while !stop.load(Ordering::SeqCst) {
            let at = next.fetch_add(1, Ordering::Relaxed);
            if at >= args.seeds {
                break;
            }
            let seed = args.from + at;
            let mut command = Command::new(&this);
            command.arg("--seed").arg(seed.to_string());
            command.args(args.calls.map(|calls| format!("--calls={calls}")));
            let output = command.output()?;
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            if !output.status.success() {
                stop.store(!args.expect.is_empty(), Ordering::SeqCst);
                if args.expect.is_empty() {
                    print!("{text}");
                }
                failed.lock().unwrap_or_else(PoisonError::into_inner).insert(seed, text.clone());
            }
            let mut shown = shown.lock().unwrap_or_else(PoisonError::into_inner);
            if shown.elapsed() > PROGRESS && args.expect.is_empty() {
                *shown = Instant::now();
                let (done, of, elapsed) = (at + 1, args.seeds, started.elapsed().as_secs());
                println!("{done} of {of} seeds in {elapsed} s: {}", text.trim_end());
            }
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(run_next)).collect();
        running.into_iter().try_for_each(|thread| {
            thread.join().unwrap_or_else(|_| Err(std::io::Error::other("a thread panicked")))
        })
    })?;
    Ok(failed.into_inner().unwrap_or_else(PoisonError::into_inner))
}
