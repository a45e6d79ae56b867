//! The `ticket` binary: the ticket service, or with DEPLOYMENT_MODE=monolith everything in one
//! process.

mod monolith;

use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};
use config::{Source, render_dotenv, render_help, render_markdown};
use http_server::{healthcheck, memory, program};
use monolith::Monolith;
use ticket::{TicketSettings, buy, service, settings::TicketArgs};
use vacancy::{
    commands::{StockCommand, print_openapi},
    service::StockService,
};
use vacancy_service::settings::DeploymentMode;

// A fifth more requests than with the system's allocator, which moreover is slow in images built on
// musl.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Sells tickets. Settings come from the environment and from .env.
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
    /// Exit with 0 when the service on this machine is ready
    Healthcheck,
    /// Buy tickets from a running system: exit with 0 when they were sold
    Buy(buy::Purchase),
    /// For the monolith, which keeps the stock itself
    #[command(flatten)]
    Stock(StockCommand),
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

#[derive(Clone, Copy, ValueEnum)]
enum Form {
    Markdown,
    Dotenv,
}

fn main() -> ExitCode {
    memory::use_small_pages();
    // These two need no settings.
    let command = match Cli::parse().command.unwrap_or(Command::Serve) {
        Command::Settings { form } => return print_settings(form),
        Command::Buy(purchase) => return program::run(service::NAME, buy_tickets(&purchase)),
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
        Command::Openapi => print_openapi(match settings.mode {
            DeploymentMode::Monolith => vacancy::service::openapi(&Monolith, &settings.vacancy),
            DeploymentMode::Microservices => service::openapi(settings),
        }),
        Command::Settings { form } => print_settings(form),
        Command::Buy(purchase) => buy_tickets(&purchase).await,
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

#[allow(clippy::print_stdout)] // its purpose
async fn buy_tickets(purchase: &buy::Purchase) -> ExitCode {
    match buy::buy(purchase).await {
        Ok(bought) => {
            println!("{bought}");
            ExitCode::SUCCESS
        }
        Err(error) => program::fail(service::NAME, &error),
    }
}

#[allow(clippy::print_stdout)] // its purpose
fn print_settings(form: Form) -> ExitCode {
    let text = match form {
        Form::Markdown => render_markdown::<TicketArgs>(),
        Form::Dotenv => render_dotenv::<TicketArgs>(),
    };
    print!("{text}");
    ExitCode::SUCCESS
}
