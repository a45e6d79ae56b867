//! The `vacancy` binary.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use config::{Source, render_help};
use http_server::{descriptors, healthcheck, memory, program};
use vacancy::{
    commands::{StockCommand, StockSummary, print_check, print_openapi, print_warnings},
    service::{StockService, Vacancy, openapi, run},
};
use vacancy_service::settings::{VacancyArgs, VacancySettings};

// A fifth more requests than with the system's allocator, which moreover is slow in images built on
// musl.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Manages the stock of a ticket system. Reads settings from the environment and .env.
#[derive(Parser)]
#[command(version, after_help = render_help::<VacancyArgs>())]
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
    /// Check all settings as a start does, and open nothing. Exit code 2: one is wrong
    Check,
    #[command(flatten)]
    Stock(StockCommand),
    /// Print the OpenAPI document
    Openapi,
}

fn main() -> ExitCode {
    memory::use_small_pages();
    descriptors::raise_limit();
    let command = Cli::parse().command.unwrap_or(Command::Serve);
    let read = Source::load(".env".as_ref())
        .and_then(|source| Ok((VacancySettings::from_source(&source)?, source)));
    let checked = read.and_then(|(settings, source)| {
        if matches!(command, Command::Serve) {
            settings.check_data_dir()?;
        }
        Ok((settings, source))
    });
    match checked {
        Ok((settings, source)) => {
            let warnings = config::warnings::<VacancyArgs>(&source);
            program::run(Vacancy::NAME, execute(command, &settings, &warnings))
        }
        Err(error) => program::refuse(&error),
    }
}

async fn execute(command: Command, settings: &VacancySettings, warnings: &[String]) -> ExitCode {
    match command {
        Command::Serve => {
            let about = (Vacancy::NAME, Vacancy::VERSION);
            program::serve(about, &settings.http.telemetry, |shutdown| {
                warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
                run(&Vacancy, settings, settings.port, shutdown)
            })
            .await
        }
        Command::Healthcheck => healthcheck::run(settings.port, "/ready").await,
        Command::Check => {
            print_warnings(warnings);
            let about = (Vacancy::NAME, Vacancy::VERSION);
            print_check(about, settings.port, &StockSummary(settings))
        }
        Command::Stock(command) => {
            print_warnings(warnings);
            command.run(settings).await
        }
        Command::Openapi => print_openapi(Vacancy::NAME, openapi(&Vacancy, settings)),
    }
}
