//! The command line of the operator.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Args, Parser, Subcommand};
use config::Source;
use operator::{
    commands,
    observe::logs::{self, LogFormat},
    settings::{Defaults, Settings},
};
use telemetry::console::{print_message, print_result};

#[derive(Parser)]
#[command(
    name = "operator",
    version,
    about = "Runs the ticket systems that TicketSystem resources describe",
    args_conflicts_with_subcommands = true
)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    settings: Settings,
}

#[derive(Subcommand)]
enum Command {
    /// Run the operator. This is the default without a subcommand.
    Run(Box<Settings>),
    /// Print the CustomResourceDefinition, or apply it to the cluster.
    Crd {
        /// Apply the definition to the cluster and wait until it is served.
        #[arg(long)]
        apply: bool,
        /// Print this `values.schema.json` of the chart instead, with the schema of the resource's
        /// spec in it.
        #[arg(long, value_name = "FILE", conflicts_with = "apply")]
        values_schema: Option<PathBuf>,
    },
    /// Print the changes that applying a resource would make. Exit codes: 0 without changes, 1
    /// with changes, 2 on an error.
    Diff(DiffArgs),
    /// Read a JWK Set of signing keys from standard input, and print one with a new key before the
    /// first one.
    RotateSigningKeys,
}

#[derive(Args)]
struct DiffArgs {
    /// File with one or more TicketSystems in YAML.
    #[arg(short, long)]
    file: PathBuf,
    /// Namespace for resources without one. Default: the namespace of the kubeconfig.
    #[arg(short, long)]
    namespace: Option<String>,
    #[command(flatten)]
    defaults: Defaults,
}

/// Exit code for an invalid setting or input.
const EXIT_USAGE: u8 = 2;

#[tokio::main]
async fn main() -> ExitCode {
    let cli: Cli = match config::parse(&Source::environment(), std::env::args_os()) {
        Ok(cli) => cli,
        Err(error) => {
            print_message(&error);
            return ExitCode::from(EXIT_USAGE);
        }
    };
    let outcome = match cli.command {
        None => run(cli.settings).await,
        Some(Command::Run(settings)) => run(*settings).await,
        Some(Command::Crd { values_schema: Some(file), .. }) => print_values_schema(&file),
        Some(Command::Crd { apply: false, .. }) => print_crd(),
        Some(Command::Crd { apply: true, .. }) => apply_crd().await,
        Some(Command::Diff(args)) => diff(args).await,
        Some(Command::RotateSigningKeys) => rotate_signing_keys(),
    };
    outcome.unwrap_or_else(|error| {
        print_message(&format_args!("operator: {error}"));
        ExitCode::from(EXIT_USAGE)
    })
}

type Outcome = Result<ExitCode, Box<dyn std::error::Error>>;

async fn run(settings: Settings) -> Outcome {
    settings.check()?;
    let format = if settings.json_logs { LogFormat::Json } else { LogFormat::Text };
    let _logs = logs::init(&settings.log_level, format)?;
    commands::run::run(settings).await?;
    Ok(ExitCode::SUCCESS)
}

fn print_crd() -> Outcome {
    print(&commands::crd::render()?)?;
    Ok(ExitCode::SUCCESS)
}

fn print_values_schema(file: &Path) -> Outcome {
    let values =
        std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    print(&commands::values_schema::render(&values)?)?;
    Ok(ExitCode::SUCCESS)
}

async fn apply_crd() -> Outcome {
    let name = commands::crd::apply(kube::Client::try_default().await?).await?;
    print(&format!("{name} applied by operator version {}\n", env!("CARGO_PKG_VERSION")))?;
    Ok(ExitCode::SUCCESS)
}

async fn diff(args: DiffArgs) -> Outcome {
    let config = kube::Config::infer().await?;
    let namespace = args.namespace.unwrap_or_else(|| config.default_namespace.clone());
    let client = kube::Client::try_from(config)?;
    let mut changes = false;
    for system in commands::diff::read(&args.file, &namespace)? {
        let text = commands::diff::diff(&client, &system, &args.defaults).await?;
        changes |= !text.is_empty();
        print(&text)?;
    }
    Ok(if changes { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

fn rotate_signing_keys() -> Outcome {
    print(&commands::rotate_signing_keys::rotate(std::io::stdin().lock())?)?;
    Ok(ExitCode::SUCCESS)
}

fn print(text: &str) -> std::io::Result<()> {
    print_result(text)
        .map_err(|error| std::io::Error::other(format!("cannot write to standard output: {error}")))
}
