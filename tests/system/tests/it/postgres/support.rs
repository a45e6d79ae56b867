//! Servers, replicas and limits of the tests on PostgreSQL.

use std::time::{Duration, Instant};

use system_tests::{Client, Process};
use test_postgres::Server;

/// A number of rounds or tickets; the environment overrides it for longer runs.
pub fn rounds(variable: &str, usual: usize) -> usize {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

/// The longest recovery on a busy machine. The tests print the measured time.
pub const RECOVERY_MAX: Duration = Duration::from_secs(60);
/// A busy machine must not look like a hung process.
pub const LONG_TIMEOUTS: [(&str, &str); 3] = [
    ("STORE_LOCK_TIMEOUT_S", "20"),
    ("STORE_STATEMENT_TIMEOUT_S", "20"),
    ("REQUEST_TIMEOUT_S", "40"),
];
pub async fn start_server(settings: &'static [&'static str]) -> Server {
    tokio::task::spawn_blocking(|| Server::start(settings)).await.unwrap()
}

pub async fn vacancy(url: &str, env: &[(&str, &str)]) -> Process {
    let env = [&[("STORE_URL", url), ("CACHE_TTL_SECONDS", "0"), ("INITIAL_STOCK", "100000")], env]
        .concat();
    Process::start("vacancy", &env).await
}

pub async fn until_ready(client: &Client, limit: Duration) -> Duration {
    let since = Instant::now();
    loop {
        if client.get("/ready").await.status == 200 {
            return since.elapsed();
        }
        assert!(since.elapsed() < limit, "not ready after {limit:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
