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

use std::{path::PathBuf, process::ExitCode};

use clap::{Args, Parser, Subcommand, ValueEnum};
use tempfile::TempDir;

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

/// Where the binaries and the data are.
#[derive(Args)]
struct Places {
    /// Folder of the binaries ticket and vacancy
    #[arg(long)]
    bin: PathBuf,
    /// Folder for data directories and logs; default: that of temporary files
    #[arg(long)]
    data: Option<PathBuf>,
    /// Do not remove the data and the logs
    #[arg(long)]
    keep: bool,
}

impl Places {
    /// A folder for one run.
    fn folder(&self) -> std::io::Result<TempDir> {
        let data = self.data.clone().unwrap_or_else(std::env::temp_dir);
        let mut folder = tempfile::Builder::new().prefix("queue-").tempdir_in(data)?;
        folder.disable_cleanup(self.keep);
        Ok(folder)
    }
}

/// What runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Target {
    /// One process
    Monolith,
    /// ticket and vacancy
    Services,
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
