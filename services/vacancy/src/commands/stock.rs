//! The commands about the stock, which vacancy and the monolith have in common.

use std::{path::PathBuf, process::ExitCode};

use clap::Subcommand;
use vacancy_service::VacancySettings;

use super::{
    error::CommandError,
    transfer::{Moved, run_backup, run_migrate, run_restore},
};
use crate::{
    audit::{ExportArgs, SourceArgs, run_export, run_verify},
    progress::show,
};

/// What can be done with a stock besides selling it.
#[derive(Subcommand)]
pub enum StockCommand {
    /// Copy the ledgers to a new directory, while the service runs or not
    Backup {
        /// New or empty
        dir: PathBuf,
    },
    /// Replace the stock by a backup, while the service runs or not
    Restore {
        /// What `backup` made
        dir: PathBuf,
    },
    /// Check every record and every count, read-only; 1 is the exit code of a violation
    Verify(SourceArgs),
    /// Write sales and refunds as a table, for reconciliation
    Export(ExportArgs),
    /// Move the stock from a data directory, or from a backup of one, to PostgreSQL
    MigrateStore {
        /// A data directory that no process has open, or what `backup` made
        #[arg(long)]
        from: PathBuf,
        /// The database; STORE_URL when not given, which others on the machine do not see in the
        /// list of processes
        #[arg(long)]
        to: Option<String>,
    },
}

impl StockCommand {
    /// Does it, and tells how it ended.
    pub async fn run(self, settings: &VacancySettings) -> ExitCode {
        match self {
            Self::Backup { dir } => report("backed up", run_backup(settings, &dir, show()).await),
            Self::Restore { dir } => report("restored", run_restore(settings, &dir, show()).await),
            Self::Verify(source) => run_verify(&source, settings).await,
            Self::Export(args) => run_export(&args, settings).await,
            Self::MigrateStore { from, to } => {
                report("moved", run_migrate(settings, &from, to.as_deref(), show()).await)
            }
        }
    }
}

/// Prints the result of a command.
fn report(done: &str, result: Result<Moved, CommandError>) -> ExitCode {
    match result {
        Ok(Moved { records, events }) => {
            eprintln!("{done}: {records} records of {events} events");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
