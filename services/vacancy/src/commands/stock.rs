//! The commands about the stock, which vacancy and the monolith have in common.

use std::{path::PathBuf, process::ExitCode};

use clap::Subcommand;
use telemetry::console::print_message;
use vacancy_service::VacancySettings;

use super::{
    error::CommandError,
    transfer::{Moved, run_backup, run_backup_to, run_migrate, run_restore, run_restore_from},
};
use crate::{
    audit::{ExportArgs, SourceArgs, run_export, run_verify},
    progress::show,
};

/// The commands about a stock.
#[derive(Subcommand)]
pub enum StockCommand {
    /// Back up the ledgers to a new directory, or to standard output (the service may be running)
    Backup {
        /// New or empty; `-` writes one file to standard output
        dir: PathBuf,
    },
    /// Replace the stock with a backup (the service may be running)
    Restore {
        /// A directory created by `backup`, or the file; `-` reads the file from standard input
        dir: PathBuf,
    },
    /// Check every record and count, read-only. Exit code 1: violation found
    Verify(SourceArgs),
    /// Write sales and refunds as a table, for reconciliation
    Export(ExportArgs),
    /// Move the stock from a data directory, or from a backup of one, to PostgreSQL
    MigrateStore {
        /// A data directory that no process has open, or a backup
        #[arg(long)]
        from: PathBuf,
        /// Target database (default: STORE_URL). A password here is visible in the list of
        /// processes
        #[arg(long)]
        to: Option<String>,
    },
}

impl StockCommand {
    /// Runs the command, prints its result and returns its exit code.
    pub async fn run(self, settings: &VacancySettings) -> ExitCode {
        match self {
            Self::Backup { dir } if dir.as_os_str() == "-" => {
                let mut target = std::io::stdout();
                report("backup completed", run_backup_to(settings, &mut target, show()).await)
            }
            Self::Backup { dir } => {
                report("backup completed", run_backup(settings, &dir, show()).await)
            }
            Self::Restore { dir } if dir.as_os_str() == "-" => {
                let mut input = std::io::stdin();
                report("restored", run_restore_from(settings, &mut input, show()).await)
            }
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
            print_message(&format_args!("{done}: {records} records of {events} events"));
            ExitCode::SUCCESS
        }
        Err(error) => {
            print_message(&error);
            ExitCode::FAILURE
        }
    }
}
