//! The `ticket` binary: the ticket service, or the whole system in one process with
//! DEPLOYMENT_MODE=monolith.

mod monolith;

use std::{fmt::Display, process::ExitCode};

use clap::{Parser, Subcommand, ValueEnum};
use config::{Source, render_dotenv, render_help, render_markdown};
use http_server::{descriptors, healthcheck, memory, program};
use monolith::Monolith;
use telemetry::console::{print_message, print_result};
use ticket::{TicketSettings, buy, service, settings::TicketArgs, verify_draw, webhooks};
use vacancy::{
    commands::{StockCommand, StockSummary, print_check, print_openapi, print_warnings},
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
    /// Check all settings as a start does, and open nothing. Exit code 2: one is wrong
    Check,
    /// Buy tickets from a running system. Exit code 0: sold
    Buy(buy::PurchaseArgs),
    /// Look at the receivers of the ledger, test them, deliver again
    Webhooks(webhooks::WebhookArgs),
    /// Check the draws of waiting rooms: of a running system, a backup or a saved ledger. Needs no
    /// settings. Exit codes: 0 proved, 1 wrong, 2 unknown, 3 in order but unwitnessed
    VerifyDraw(verify_draw::VerifyDrawArgs),
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
    // These commands need no settings, or few.
    let command = match Cli::parse().command.unwrap_or(Command::Serve) {
        Command::Settings { form } => return print_settings(form),
        Command::Buy(args) => {
            return match args.target(|| Source::load(".env".as_ref())) {
                Ok(url) => program::run(service::NAME, buy_tickets(&args, &url)),
                Err(error) => program::refuse(&error),
            };
        }
        Command::VerifyDraw(args) => return program::run(service::NAME, check_draw(&args)),
        Command::Webhooks(args) => {
            let target = Source::load(".env".as_ref()).and_then(|source| args.target(&source));
            return match target {
                Ok(target) => program::run(service::NAME, call_webhooks(&args, &target)),
                Err(error) => program::refuse(&error),
            };
        }
        command => command,
    };
    let read = Source::load(".env".as_ref())
        .and_then(|source| Ok((TicketSettings::from_source(&source)?, source)));
    let checked = read.and_then(|(settings, source)| {
        if matches!(command, Command::Serve) && settings.mode == DeploymentMode::Monolith {
            settings.vacancy.check_data_dir()?;
        }
        Ok((settings, source))
    });
    match checked {
        Ok((settings, source)) => {
            let warnings = config::warnings::<TicketArgs>(&source);
            program::run(service::NAME, execute(command, &settings, &warnings))
        }
        Err(error) => program::refuse(&error),
    }
}

async fn execute(command: Command, settings: &TicketSettings, warnings: &[String]) -> ExitCode {
    match command {
        Command::Serve => serve(settings, warnings).await,
        Command::Healthcheck => healthcheck::run(settings.port, "/ready").await,
        Command::Check => {
            print_warnings(warnings);
            check(settings)
        }
        Command::Stock(command) => {
            print_warnings(warnings);
            command.run(&settings.vacancy).await
        }
        Command::Openapi => {
            let document = match settings.mode {
                DeploymentMode::Monolith => vacancy::service::openapi(&Monolith, &settings.vacancy),
                DeploymentMode::Microservices => service::openapi(settings),
            };
            print_openapi(service::NAME, document)
        }
        Command::Settings { .. }
        | Command::Buy(_)
        | Command::VerifyDraw(_)
        | Command::Webhooks(_) => {
            unreachable!("they ran without settings")
        }
    }
}

fn check(settings: &TicketSettings) -> ExitCode {
    let port = settings.port;
    match settings.mode {
        DeploymentMode::Monolith => {
            let about = (Monolith::NAME, Monolith::VERSION);
            print_check(about, port, &StockSummary(&settings.vacancy))
        }
        DeploymentMode::Microservices => {
            let about = (service::NAME, service::VERSION);
            print_check(about, port, &format_args!("vacancy at {}", settings.link.url))
        }
    }
}

async fn serve(settings: &TicketSettings, warnings: &[String]) -> ExitCode {
    let warn = || warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
    let (telemetry, port) = (&settings.http.telemetry, settings.port);
    match settings.mode {
        DeploymentMode::Monolith => {
            let about = (Monolith::NAME, Monolith::VERSION);
            program::serve(about, telemetry, |shutdown| {
                warn();
                vacancy::service::run(&Monolith, &settings.vacancy, port, shutdown)
            })
            .await
        }
        DeploymentMode::Microservices => {
            program::serve((service::NAME, service::VERSION), telemetry, |shutdown| {
                warn();
                service::run(settings, shutdown)
            })
            .await
        }
    }
}

async fn buy_tickets(args: &buy::PurchaseArgs, url: &str) -> ExitCode {
    match buy::buy(args, url).await {
        Ok(bought) => program::print(service::NAME, &format!("{bought}\n")),
        Err(error) => program::fail(service::NAME, &error),
    }
}

async fn check_draw(args: &verify_draw::VerifyDrawArgs) -> ExitCode {
    match verify_draw::verify_draw(args).await {
        Ok(outcome) => match print_result(&outcome.to_string()) {
            Ok(()) => outcome.exit_code(),
            Err(error) => unknown(&format_args!("cannot write to standard output: {error}")),
        },
        Err(error) => unknown(&error),
    }
}

/// It cannot be told whether a draw is in order.
fn unknown(error: &impl Display) -> ExitCode {
    print_message(&format_args!("{}: {error}", service::NAME));
    ExitCode::from(verify_draw::UNKNOWN)
}

async fn call_webhooks(args: &webhooks::WebhookArgs, target: &webhooks::Target) -> ExitCode {
    match webhooks::run(&args.action, target).await {
        Ok(text) => program::print(service::NAME, &text),
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
