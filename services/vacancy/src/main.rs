//! The `vacancy` binary.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use serving::config::{ConfigError, Source, render_help};
use serving::{healthcheck, memory, shutdown, telemetry};
use vacancy::audit::{ExportArgs, SourceArgs, run_export, run_verify};
use vacancy::service::{Keeper, Vacancy, openapi, run};
use vacancy::{VacancySettings, commands};

// A fifth more requests than with the system's allocator, which moreover is slow in images built on musl.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Keeps the stock of a ticket system. Settings come from the environment and from .env.
#[derive(Parser)]
#[command(version, after_help = render_help(&VacancySettings::GROUPS))]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Serve HTTP (the default)
    Serve,
    /// Exit with 0 when the service on this machine is ready
    Healthcheck,
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
        /// The database; STORE_URL when not given, which others on the machine do not see in the list of processes
        #[arg(long)]
        to: Option<String>,
    },
    /// Print the OpenAPI document
    Openapi,
}

fn main() -> ExitCode {
    memory::use_small_pages();
    let cli = Cli::parse();
    let settings = match Source::load(".env".as_ref()).and_then(|source| VacancySettings::from_source(&source)) {
        Ok(settings) => settings,
        Err(error) => return refuse(&error),
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error),
    };
    runtime.block_on(execute(cli.command.unwrap_or(Command::Serve), &settings))
}

async fn execute(command: Command, settings: &VacancySettings) -> ExitCode {
    match command {
        Command::Serve => serve(settings).await,
        Command::Healthcheck => healthcheck::run(settings.port, "/ready").await,
        Command::Backup { dir } => commands::report("backed up", commands::run_backup(settings, &dir, commands::show()).await),
        Command::Restore { dir } => commands::report("restored", commands::run_restore(settings, &dir, commands::show()).await),
        Command::Verify(source) => run_verify(&source, settings).await,
        Command::Export(args) => run_export(&args, settings).await,
        Command::MigrateStore { from, to } => {
            commands::report("moved", commands::run_migrate(settings, &from, to.as_deref(), commands::show()).await)
        }
        Command::Openapi => commands::print_openapi(openapi(&Vacancy, settings)),
    }
}

async fn serve(settings: &VacancySettings) -> ExitCode {
    let serving = &settings.serving;
    if let Err(error) = telemetry::init_logs(serving.log_level, serving.json_logs, &serving.service_name) {
        return fail(&error);
    }
    let traces = match telemetry::init_traces(&serving.traces, Vacancy::NAME, env!("CARGO_PKG_VERSION")) {
        Ok(traces) => traces,
        Err(error) => return fail(&error),
    };
    let shutdown = match shutdown::signal() {
        Ok(shutdown) => shutdown,
        Err(error) => return fail(&error),
    };
    let ended = run(&Vacancy, settings, settings.port, shutdown).await;
    // It waits for the collector, on a thread that may wait.
    let _ = tokio::task::spawn_blocking(|| traces.flush()).await;
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error),
    }
}

/// A setting is wrong: one line, exit code 2.
fn refuse(error: &ConfigError) -> ExitCode {
    eprintln!("{error}");
    ExitCode::from(2)
}

fn fail(error: &dyn std::error::Error) -> ExitCode {
    eprintln!("vacancy: {error}");
    ExitCode::FAILURE
}
