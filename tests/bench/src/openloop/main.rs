//! An open-loop load generator: requests begin at fixed times, whether or not earlier ones have
//! responses, and latency counts from the time at which a request was due. So a server that stalls
//! cannot hide it by slowing its clients down.
#![allow(clippy::print_stderr)] // a bare program without a log

mod connection;
mod report;

use std::{
    net::SocketAddr,
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use clap::Parser;
use connection::Connection;
use report::{Fate, Report};
use tokio::{
    sync::{Mutex, mpsc},
    time::{Instant, sleep_until, timeout_at},
};

/// Sends requests at a fixed rate, and prints the results as one line of JSON.
#[derive(Parser)]
struct Cli {
    /// Address, for example 127.0.0.1:8000
    address: SocketAddr,
    /// Path
    path: String,
    /// Requests a second
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=500_000))]
    rate: u64,
    /// Duration, seconds
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=300))]
    seconds: u64,
    /// Maximum of connections; a request that is due while all are busy waits, and its time runs
    #[arg(long, default_value_t = 256, value_parser = clap::value_parser!(u64).range(1..=5_000))]
    connections: u64,
    /// Body of a POST; without it, GET
    #[arg(long)]
    body: Option<String>,
    /// Time after which a client gives up a request that was due, milliseconds
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u64).range(1..=60_000))]
    timeout_ms: u64,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => {
            runtime.block_on(run(cli));
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("openloop: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The state of all connections.
struct Load {
    address: SocketAddr,
    request: Vec<u8>,
    timeout: Duration,
    due: Mutex<mpsc::UnboundedReceiver<Instant>>,
    unsent: AtomicU64,
}

#[allow(clippy::print_stdout)] // its purpose
async fn run(cli: Cli) {
    // The queue is bounded by the number of requests, rate × duration.
    let (arrivals, due) = mpsc::unbounded_channel();
    let timeout = Duration::from_millis(cli.timeout_ms);
    let request = connection::request(&cli.path, cli.body.as_deref());
    let load = Arc::new(Load {
        address: cli.address,
        request,
        timeout,
        due: Mutex::new(due),
        unsent: AtomicU64::new(0),
    });
    let workers: Vec<_> = (0..cli.connections).map(|_| tokio::spawn(work(load.clone()))).collect();
    let started = Instant::now();
    let total = cli.rate * cli.seconds;
    for number in 0..total {
        let at = started + Duration::from_secs_f64(number as f64 / cli.rate as f64);
        // A request less than a tick away is due now: the clock of the runtime has milliseconds.
        if at > Instant::now() + Duration::from_millis(1) {
            sleep_until(at).await;
        }
        if number % 64 == 0 {
            tokio::task::yield_now().await;
        }
        if arrivals.send(at).is_err() {
            break;
        }
    }
    drop(arrivals);
    let mut report = Report::default();
    for worker in workers {
        if let Ok(part) = worker.await {
            report.add(part);
        }
    }
    println!("{}", report.json(total, load.unsent.load(Relaxed), Duration::from_secs(cli.seconds)));
}

/// One connection: takes the next due request, sends it, waits for the response.
async fn work(load: Arc<Load>) -> Report {
    let mut report = Report::default();
    let mut connection: Option<Connection> = None;
    loop {
        let Some(at) = load.due.lock().await.recv().await else { return report };
        let give_up = at + load.timeout;
        if Instant::now() >= give_up {
            load.unsent.fetch_add(1, Relaxed);
            continue;
        }
        let answered = timeout_at(give_up, async {
            let mut open = match connection.take() {
                Some(open) => open,
                None => Connection::open(load.address).await?,
            };
            let status = open.ask(&load.request).await?;
            Ok::<_, std::io::Error>((status, open))
        });
        let fate = match answered.await {
            Ok(Ok((status, open))) => {
                connection = open.reusable();
                Fate::of(status)
            }
            Ok(Err(_)) => Fate::Broken,
            Err(_) => Fate::TimedOut,
        };
        report.note(fate, at.elapsed());
    }
}
