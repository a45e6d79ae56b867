//! One handler behind three kinds of middleware: none, that of `http-server`, and layers of
//! tower-http with the same duties. `tests/bench/middleware` puts the same load on each.
#![allow(clippy::print_stderr)] // a bare program without a log

mod ours;
mod tower_stack;

use std::{error::Error, net::SocketAddr, process::ExitCode};

use axum::{Json, Router, routing::get};
use clap::{Parser, ValueEnum};
use serde_json::json;
use tokio::net::TcpListener;

/// Serves one handler until it is killed. The first line on standard output has the address.
#[derive(Parser)]
struct Cli {
    /// Address to listen on; port 0 is any free one
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Middleware around the handler
    #[arg(value_enum)]
    side: Side,
}

#[derive(Clone, Copy, ValueEnum)]
enum Side {
    /// None: `axum::serve` alone
    Bare,
    /// The middleware and the server loop of `http-server`
    Ours,
    /// Layers of tower-http behind `axum::serve`
    Tower,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(&Cli::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("middleware: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(cli: &Cli) -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind(cli.listen).await?;
    announce(listener.local_addr()?);
    match cli.side {
        Side::Bare => axum::serve(listener, routes()).await?,
        Side::Tower => axum::serve(listener, tower_stack::wrap(routes())?).await?,
        Side::Ours => ours::serve(listener, routes()).await?,
    }
    Ok(())
}

fn routes() -> Router {
    Router::new().route("/available", get(|| async { Json(json!({ "qty": 1000 })) }))
}

#[allow(clippy::print_stdout)] // the script that starts it reads this line
fn announce(address: SocketAddr) {
    println!("{}", json!({"message": "listening", "address": address.to_string()}));
}
