//! The baseline of the benchmark: bare axum handlers with the responses of the services, behind
//! `axum::serve`, without a layer, limit, store or log. The services pay for everything above it.
#![allow(clippy::print_stderr)] // a bare program without a log

mod durable;
mod hop;
mod stock;
mod wire;

use std::{net::SocketAddr, path::PathBuf, process::ExitCode};

use axum::Router;
use clap::{Parser, Subcommand};
use tokio::net::TcpListener;

/// Serves bare handlers until it is killed. The first line on standard output has the address.
#[derive(Parser)]
struct Cli {
    /// Address to listen on; port 0 is any free one
    #[arg(long, default_value = "127.0.0.1:0", global = true)]
    listen: SocketAddr,
    #[command(subcommand)]
    role: Role,
}

#[derive(Subcommand)]
enum Role {
    /// Answer availability, reservations and purchases from a counter in memory
    Stock {
        /// Number of tickets
        #[arg(long, default_value_t = 1_000_000_000)]
        capacity: u64,
    },
    /// The same with a synced file
    Durable {
        /// Number of tickets
        #[arg(long, default_value_t = 1_000_000_000)]
        capacity: u64,
        /// Folder of the file
        dir: PathBuf,
    },
    /// Pass purchases on to the reservations of another one
    Hop {
        /// Its address, for example http://127.0.0.1:9000
        url: String,
    },
}

#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("the runtime or the listener: {0}")]
    Io(#[from] std::io::Error),
    #[error("the HTTP client: {0}")]
    Client(#[from] reqwest::Error),
}

fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("baseline: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> Result<(), Error> {
    let router = match cli.role {
        Role::Stock { capacity } => stock::router(capacity),
        Role::Durable { capacity, dir } => durable::router(capacity, &dir)?,
        Role::Hop { url } => hop::router(&url)?,
    };
    // The runtime of the services.
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(serve(cli.listen, router))
}

#[allow(clippy::print_stdout)] // who started it waits for this line
async fn serve(address: SocketAddr, router: Router) -> Result<(), Error> {
    let listener = TcpListener::bind(address).await?;
    println!(
        "{}",
        serde_json::json!({"message": "listening", "address": listener.local_addr()?.to_string()})
    );
    Ok(axum::serve(listener, router).await?)
}
