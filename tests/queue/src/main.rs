//! Proves a waiting room on the real binaries: a crowd with bots, people who come back or never
//! come, kills, and what joins and streams cost.
#![allow(clippy::print_stdout, clippy::print_stderr)] // its output is its report

mod checks;
mod error;
mod http;
mod kills;
mod ledger;
mod measure;
mod people;
mod plan;
mod plant;
mod proof;
mod report;
mod stall;
mod stream;
mod system;
mod target;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::{measure::MeasureArgs, proof::ProofArgs};

/// Proves a waiting room on the real binaries. Exit code 0: every check holds, every goal is met.
#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Sells tickets to a crowd through a waiting room, and checks what came of it
    Proof(ProofArgs),
    /// Measures joins, the memory of streams, and how fast a frame reaches all of them
    Measure(MeasureArgs),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let done = runtime.map_err(error::Error::from).and_then(|runtime| {
        runtime.block_on(async {
            match cli.command {
                Command::Proof(args) => proof::run(args).await,
                Command::Measure(args) => measure::run(args).await,
            }
        })
    });
    match done {
        Ok(report) if report.is_good() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("queue-proof: {error}");
            ExitCode::FAILURE
        }
    }
}
