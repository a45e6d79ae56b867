use std::{path::PathBuf, process::ExitCode};

use clap::{Args, Parser, Subcommand};
use operator::{
    commands,
    observe::logs,
    settings::{Defaults, Settings},
};

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
    /// Run the operator; what happens without a subcommand as well.
    Run(Box<Settings>),
    /// Print the CustomResourceDefinition, or bring the cluster's up to date with it.
    Crd {
        /// Apply it to the cluster, and wait until it is served.
        #[arg(long)]
        apply: bool,
    },
    /// Print what applying a resource would change. Exits with 0 for no change, 1 for some, 2 for
    /// an error.
    Diff(DiffArgs),
}

#[derive(Args)]
struct DiffArgs {
    /// File with one or more TicketSystems in YAML.
    #[arg(short, long)]
    file: PathBuf,
    /// Namespace of resources that name none. Left out: that of the kubeconfig.
    #[arg(short, long)]
    namespace: Option<String>,
    #[command(flatten)]
    defaults: Defaults,
}

/// Exit code for a setting or an input that cannot work.
const EXIT_USAGE: u8 = 2;

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let outcome = match cli.command {
        None => run(cli.settings).await,
        Some(Command::Run(settings)) => run(*settings).await,
        Some(Command::Crd { apply }) => crd(apply).await,
        Some(Command::Diff(args)) => diff(args).await,
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("operator: {error}");
        ExitCode::from(EXIT_USAGE)
    })
}

type Outcome = Result<ExitCode, Box<dyn std::error::Error>>;

async fn run(settings: Settings) -> Outcome {
    settings.check()?;
    logs::init(&settings.log_level, settings.json_logs)?;
    commands::run::run(settings).await?;
    Ok(ExitCode::SUCCESS)
}

async fn crd(apply: bool) -> Outcome {
    if apply {
        let name = commands::crd::apply(kube::Client::try_default().await?).await?;
        print(&format!(
            "{name} is as this operator, version {}, wants it\n",
            env!("CARGO_PKG_VERSION")
        ))?;
    } else {
        print(&commands::crd::render()?)?;
    }
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

fn print(text: &str) -> std::io::Result<()> {
    use std::io::Write;
    std::io::stdout().lock().write_all(text.as_bytes())
}
