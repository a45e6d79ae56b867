//! The `ticket` binary: the ticket service, or the whole system in one process with
//! DEPLOYMENT_MODE=monolith.

mod monolith;

use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};
use config::{Source, render_dotenv, render_help, render_markdown};
use http_server::{descriptors, healthcheck, memory, program};
use monolith::Monolith;
use ticket::{TicketSettings, buy, service, settings::TicketArgs};
use vacancy::{
    commands::{StockCommand, print_openapi},
    service::StockService,
};
use vacancy_service::settings::DeploymentMode;

// Serves 20 % more requests than with the allocator of the system, which is slow on musl.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Sells tickets. Reads settings from the environment and .env.
#[derive(Parser)]
#[command(version, after_help = render_help::<TicketArgs>())]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Serve HTTP (the default)
    Serve,
    /// Exit with 0 if the service on this machine is ready
    Healthcheck,
    /// Buy tickets from a running system. Exit code 0: sold
    Buy(buy::PurchaseArgs),
    /// Stock commands, for the monolith
    #[command(flatten)]
    Stock(StockCommand),
    /// Print the OpenAPI document of the deployment mode
    Openapi,
    /// Print all settings as Markdown or as a .env file
    #[command(hide = true)]
    Settings {
        /// The format
        #[arg(value_enum)]
        form: Form,
    },
}

#[derive(Clone, Copy, ValueEnum)]
enum Form {
    Markdown,
    Dotenv,
}

fn main() -> ExitCode {
    memory::use_small_pages();
    descriptors::raise_limit();
    // These two commands need no settings.
    let command = match Cli::parse().command.unwrap_or(Command::Serve) {
        Command::Settings { form } => return print_settings(form),
        Command::Buy(args) => return program::run(service::NAME, buy_tickets(&args)),
        command => command,
    };
    match Source::load(".env".as_ref()).and_then(|source| TicketSettings::from_source(&source)) {
        Ok(settings) => program::run(service::NAME, execute(command, &settings)),
        Err(error) => program::refuse(&error),
    }
}

async fn execute(command: Command, settings: &TicketSettings) -> ExitCode {
    match command {
        Command::Serve => serve(settings).await,
        Command::Healthcheck => healthcheck::run(settings.port, "/ready").await,
        Command::Stock(command) => command.run(&settings.vacancy).await,
        Command::Openapi => {
            let document = match settings.mode {
                DeploymentMode::Monolith => vacancy::service::openapi(&Monolith, &settings.vacancy),
                DeploymentMode::Microservices => service::openapi(settings),
            };
            print_openapi(service::NAME, document)
        }
        Command::Settings { form } => print_settings(form),
        Command::Buy(args) => buy_tickets(&args).await,
    }
}

async fn serve(settings: &TicketSettings) -> ExitCode {
    let (telemetry, port) = (&settings.http.telemetry, settings.port);
    match settings.mode {
        DeploymentMode::Monolith => {
            let about = (Monolith::NAME, Monolith::VERSION);
            program::serve(about, telemetry, |shutdown| {
                vacancy::service::run(&Monolith, &settings.vacancy, port, shutdown)
            })
            .await
        }
        DeploymentMode::Microservices => {
            program::serve((service::NAME, service::VERSION), telemetry, |shutdown| {
                service::run(settings, shutdown)
            })
            .await
        }
    }
}

async fn buy_tickets(args: &buy::PurchaseArgs) -> ExitCode {
    match buy::buy(args).await {
        Ok(bought) => program::print(service::NAME, &format!("{bought}\n")),
        Err(error) => program::fail(service::NAME, &error),
    }
}

fn print_settings(form: Form) -> ExitCode {
    let text = match form {
        Form::Markdown => render_markdown::<TicketArgs>(),
        Form::Dotenv => render_dotenv::<TicketArgs>(),
    };
    program::print(service::NAME, &text)
}
