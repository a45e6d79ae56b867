//! Settings of the operator, from flags or environment variables.

use std::time::Duration;

use clap::{ArgAction, Args};

const TICKET_IMAGE: &str = concat!("ticket-system/ticket:", env!("CARGO_PKG_VERSION"));
const VACANCY_IMAGE: &str = concat!("ticket-system/vacancy:", env!("CARGO_PKG_VERSION"));

/// Settings that affect the children. `run` and `diff` share them.
#[derive(Args, Clone, Debug)]
pub struct Defaults {
    /// Image of the ticket service and the monolith, unless the resource sets one.
    #[arg(long, env = "TICKET_IMAGE", default_value = TICKET_IMAGE)]
    pub ticket_image: String,
    /// Image of the vacancy service, unless the resource sets one.
    #[arg(long, env = "VACANCY_IMAGE", default_value = VACANCY_IMAGE)]
    pub vacancy_image: String,
}

/// Settings of `operator run`.
#[derive(Args, Clone, Debug)]
pub struct Settings {
    #[command(flatten)]
    pub defaults: Defaults,
    /// Namespaces to watch, separated by commas. Empty: all namespaces, which needs cluster-wide
    /// permissions.
    #[arg(long, env = "WATCH_NAMESPACES", value_delimiter = ',', default_value = "")]
    pub watch_namespaces: Vec<String>,
    /// Address of /livez, /readyz and /metrics.
    #[arg(long, env = "HTTP_ADDR", default_value = "0.0.0.0:8080")]
    pub http_addr: std::net::SocketAddr,
    /// Seconds between reconciliations of an unchanged system. A changed Secret takes effect
    /// within this time.
    #[arg(
        long,
        env = "RESYNC_S",
        default_value_t = 15,
        value_parser = clap::value_parser!(u64).range(1..=3600)
    )]
    pub resync_s: u64,
    /// Systems that are reconciled concurrently.
    #[arg(
        long,
        env = "RECONCILE_CONCURRENCY",
        default_value_t = 16,
        value_parser = clap::value_parser!(u16).range(1..=1024)
    )]
    pub reconcile_concurrency: u16,
    /// Timeout of one reconciliation, in seconds.
    #[arg(
        long,
        env = "RECONCILE_TIMEOUT_S",
        default_value_t = 60,
        value_parser = clap::value_parser!(u64).range(1..=600)
    )]
    pub reconcile_timeout_s: u64,
    /// Longest delay between retries of a failing system, in seconds. The first retry is after 0.5
    /// s, and the delay doubles.
    #[arg(
        long,
        env = "RETRY_MAX_S",
        default_value_t = 30,
        value_parser = clap::value_parser!(u64).range(1..=3600)
    )]
    pub retry_max_s: u64,
    /// Seconds after which the API server ends a watch. The operator then restarts it.
    #[arg(
        long,
        env = "WATCH_TIMEOUT_S",
        default_value_t = 120,
        value_parser = clap::value_parser!(u32).range(5..=290)
    )]
    pub watch_timeout_s: u32,
    /// Timeout of a request to /ready of a service, in milliseconds.
    #[arg(
        long,
        env = "PROBE_TIMEOUT_MS",
        default_value_t = 1000,
        value_parser = clap::value_parser!(u64).range(1..=10_000)
    )]
    pub probe_timeout_ms: u64,
    #[command(flatten)]
    pub election: Election,
    /// Minimum level of log lines, or a tracing filter.
    #[arg(long, env = "LOG_LEVEL", default_value = "info")]
    pub log_level: String,
    /// Log one JSON object per line instead of text.
    #[arg(long, env = "JSON_LOGS", default_value_t = true, action = ArgAction::Set)]
    pub json_logs: bool,
}

/// Leader election on a Lease. The default timings are those of client-go.
#[derive(Args, Clone, Debug)]
pub struct Election {
    /// Elect a leader. Disable this only if no more than one operator can run.
    #[arg(long, env = "LEADER_ELECTION", default_value_t = true, action = ArgAction::Set)]
    pub leader_election: bool,
    /// Name of the Lease.
    #[arg(long, env = "LEASE_NAME", default_value = "ticket-system-operator")]
    pub lease_name: String,
    /// Namespace of the Lease. Set it to the namespace of the operator.
    #[arg(long, env = "POD_NAMESPACE", default_value = "default")]
    pub pod_namespace: String,
    /// Identity of this operator in the election. Set it to the name of its pod.
    #[arg(long, env = "POD_NAME", default_value_t = identity())]
    pub pod_name: String,
    /// Milliseconds without a renewal after which another operator takes over.
    #[arg(
        long,
        env = "LEASE_DURATION_MS",
        default_value_t = 15_000,
        value_parser = clap::value_parser!(u64).range(1000..=600_000)
    )]
    pub lease_duration_ms: u64,
    /// Milliseconds without a renewal after which the leader stops. Must be below
    /// LEASE_DURATION_MS.
    #[arg(long, env = "RENEW_DEADLINE_MS", default_value_t = 10_000)]
    pub renew_deadline_ms: u64,
    /// Milliseconds between renewals. Must be below RENEW_DEADLINE_MS.
    #[arg(long, env = "RETRY_PERIOD_MS", default_value_t = 2_000)]
    pub retry_period_ms: u64,
}

fn identity() -> String {
    std::env::var("HOSTNAME")
        .ok()
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| format!("operator-{}", std::process::id()))
}

/// A combination of settings that is invalid.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct SettingsError(String);

impl Settings {
    /// Checks combinations of settings.
    ///
    /// # Errors
    /// If the timings of the election are inconsistent, or its identity is empty.
    pub fn check(&self) -> Result<(), SettingsError> {
        let Election {
            leader_election,
            lease_duration_ms,
            renew_deadline_ms,
            retry_period_ms,
            pod_name,
            ..
        } = &self.election;
        if !leader_election {
            return Ok(());
        }
        if renew_deadline_ms >= lease_duration_ms {
            return Err(SettingsError(format!(
                "RENEW_DEADLINE_MS ({renew_deadline_ms}) must be below LEASE_DURATION_MS \
                 ({lease_duration_ms})"
            )));
        }
        if retry_period_ms >= renew_deadline_ms {
            return Err(SettingsError(format!(
                "RETRY_PERIOD_MS ({retry_period_ms}) must be below RENEW_DEADLINE_MS \
                 ({renew_deadline_ms})"
            )));
        }
        if pod_name.is_empty() {
            return Err(SettingsError(
                "POD_NAME must not be empty while leader election is enabled".to_owned(),
            ));
        }
        Ok(())
    }

    /// The namespaces to watch. `None` stands for all namespaces.
    pub fn scopes(&self) -> Vec<Option<String>> {
        let mut named: Vec<String> = self
            .watch_namespaces
            .iter()
            .map(|name| name.trim().to_owned())
            .filter(|name| !name.is_empty())
            .collect();
        named.sort();
        named.dedup();
        if named.is_empty() { vec![None] } else { named.into_iter().map(Some).collect() }
    }

    pub fn resync(&self) -> Duration {
        Duration::from_secs(self.resync_s)
    }

    pub fn watch_timeout(&self) -> Duration {
        Duration::from_secs(u64::from(self.watch_timeout_s))
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        settings: Settings,
    }

    fn parse(args: &[&str]) -> Settings {
        Cli::parse_from([&["operator"], args].concat()).settings
    }

    #[test]
    fn empty_namespace_list_watches_all() {
        assert_eq!(parse(&[]).scopes(), [None]);
        assert_eq!(
            parse(&["--watch-namespaces", "b, a,b,"]).scopes(),
            [Some("a".to_owned()), Some("b".to_owned())]
        );
    }

    #[test]
    fn inconsistent_timings_are_rejected() {
        assert!(parse(&[]).check().is_ok());
        let error = parse(&["--renew-deadline-ms", "15000"]).check().expect_err("refused");
        assert_eq!(
            error.to_string(),
            "RENEW_DEADLINE_MS (15000) must be below LEASE_DURATION_MS (15000)"
        );
        assert!(parse(&["--retry-period-ms", "10000"]).check().is_err());
        assert!(
            parse(&["--retry-period-ms", "10000", "--leader-election", "false"]).check().is_ok()
        );
    }
}
