//! The `ticket` binary: the ticket service, or with DEPLOYMENT_MODE=monolith everything in one process.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use serving::config::{Source, render_help};
use serving::{healthcheck, memory, shutdown, telemetry};
use ticket::service::{self, Monolith};
use ticket::{TicketSettings, buy};
use vacancy::audit::{ExportArgs, SourceArgs, run_export, run_verify};
use vacancy::commands;
use vacancy::service::Keeper;
use vacancy::settings::DeploymentMode;

// A fifth more requests than with the system's allocator, which moreover is slow in images built on musl.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Sells tickets. Settings come from the environment and from .env.
#[derive(Parser)]
#[command(version, after_help = render_help(&TicketSettings::GROUPS))]
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
    /// Buy tickets from a running system: exit with 0 when they were sold
    Buy(buy::Purchase),
    /// Copy the monolith's ledgers to a new directory, while it runs or not
    Backup {
        /// New or empty
        dir: PathBuf,
    },
    /// Replace the monolith's stock by a backup, while it runs or not
    Restore {
        /// What `backup` made
        dir: PathBuf,
    },
    /// Check every record and every count of the monolith, read-only; 1 is the exit code of a violation
    Verify(SourceArgs),
    /// Write the monolith's sales and refunds as a table, for reconciliation
    Export(ExportArgs),
    /// Move the monolith's stock from a data directory, or from a backup of one, to PostgreSQL
    MigrateStore {
        /// A data directory that no process has open, or what `backup` made
        #[arg(long)]
        from: PathBuf,
        /// The database; STORE_URL when not given, which others on the machine do not see in the list of processes
        #[arg(long)]
        to: Option<String>,
    },
    /// Print the OpenAPI document of the mode
    Openapi,
    /// Print all settings as Markdown or as a .env file
    #[command(hide = true)]
    Settings {
        /// Which of them
        #[arg(value_enum)]
        form: Form,
    },
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Form {
    Markdown,
    Dotenv,
}

fn main() -> ExitCode {
    memory::use_small_pages();
    let command = Cli::parse().command.unwrap_or(Command::Serve);
    match command {
        Command::Settings { form } => print_settings(form),
        Command::Buy(purchase) => run(buy_tickets(&purchase)),
        command => with_settings(command),
    }
}

fn with_settings(command: Command) -> ExitCode {
    let settings = match Source::load(".env".as_ref()).and_then(|source| TicketSettings::from_source(&source)) {
        Ok(settings) => settings,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
    };
    run(execute(command, &settings))
}

fn run(work: impl Future<Output = ExitCode>) -> ExitCode {
    match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(work),
        Err(error) => fail(&error),
    }
}

async fn execute(command: Command, settings: &TicketSettings) -> ExitCode {
    let vacancy = &settings.vacancy;
    match command {
        Command::Serve => serve(settings).await,
        Command::Healthcheck => healthcheck::run(settings.port, "/ready").await,
        Command::Backup { dir } => commands::report("backed up", commands::run_backup(vacancy, &dir, commands::show()).await),
        Command::Restore { dir } => commands::report("restored", commands::run_restore(vacancy, &dir, commands::show()).await),
        Command::Verify(source) => run_verify(&source, vacancy).await,
        Command::Export(args) => run_export(&args, vacancy).await,
        Command::MigrateStore { from, to } => {
            commands::report("moved", commands::run_migrate(vacancy, &from, to.as_deref(), commands::show()).await)
        }
        Command::Openapi => commands::print_openapi(match settings.mode {
            DeploymentMode::Monolith => vacancy::service::openapi(&Monolith, vacancy),
            DeploymentMode::Microservices => service::openapi(settings),
        }),
        Command::Settings { form } => print_settings(form),
        Command::Buy(purchase) => buy_tickets(&purchase).await,
    }
}

#[allow(clippy::print_stdout)] // its purpose
async fn buy_tickets(purchase: &buy::Purchase) -> ExitCode {
    match buy::buy(purchase).await {
        Ok(bought) => {
            println!("{bought}");
            ExitCode::SUCCESS
        }
        Err(error) => fail(&error),
    }
}

async fn serve(settings: &TicketSettings) -> ExitCode {
    let serving = &settings.serving;
    if let Err(error) = telemetry::init_logs(serving.log_level, serving.json_logs, &serving.service_name) {
        return fail(&error);
    }
    let name = if settings.mode == DeploymentMode::Monolith { Monolith::NAME } else { service::NAME };
    let traces = match telemetry::init_traces(&serving.traces, name, env!("CARGO_PKG_VERSION")) {
        Ok(traces) => traces,
        Err(error) => return fail(&error),
    };
    let shutdown = match shutdown::signal() {
        Ok(shutdown) => shutdown,
        Err(error) => return fail(&error),
    };
    let ended = match settings.mode {
        DeploymentMode::Monolith => {
            vacancy::service::run(&Monolith, &settings.vacancy, settings.port, shutdown).await.map_err(|error| fail(&error))
        }
        DeploymentMode::Microservices => service::run(settings, shutdown).await.map_err(|error| fail(&error)),
    };
    // It waits for the collector, on a thread that may wait.
    let _ = tokio::task::spawn_blocking(|| traces.flush()).await;
    ended.map_or_else(|code| code, |()| ExitCode::SUCCESS)
}

#[allow(clippy::print_stdout)] // its purpose
fn print_settings(form: Form) -> ExitCode {
    let text = match form {
        Form::Markdown => serving::config::render_markdown(&TicketSettings::GROUPS),
        Form::Dotenv => serving::config::render_dotenv(&TicketSettings::GROUPS),
    };
    print!("{text}");
    ExitCode::SUCCESS
}

fn fail(error: &dyn std::error::Error) -> ExitCode {
    eprintln!("ticket: {error}");
    ExitCode::FAILURE
}
