//! Settings of the operator itself, from flags or the environment.

use std::time::Duration;

use clap::{ArgAction, Args};

const TICKET_IMAGE: &str = concat!("ticket-system/ticket:", env!("CARGO_PKG_VERSION"));
const VACANCY_IMAGE: &str = concat!("ticket-system/vacancy:", env!("CARGO_PKG_VERSION"));

/// What decides how objects are built: shared by `run` and `diff`.
#[derive(Args, Clone, Debug)]
pub struct Defaults {
    /// Image of the ticket service and the monolith where a resource names none.
    #[arg(long, env = "TICKET_IMAGE", default_value = TICKET_IMAGE)]
    pub ticket_image: String,
    /// Image of the vacancy service where a resource names none.
    #[arg(long, env = "VACANCY_IMAGE", default_value = VACANCY_IMAGE)]
    pub vacancy_image: String,
}

/// Settings of `operator run`.
#[derive(Args, Clone, Debug)]
pub struct Settings {
    #[command(flatten)]
    pub defaults: Defaults,
    /// Namespaces to watch, separated by commas. Empty: all of them, which takes cluster-wide
    /// rights.
    #[arg(long, env = "WATCH_NAMESPACES", value_delimiter = ',', default_value = "")]
    pub watch_namespaces: Vec<String>,
    /// Address of /livez, /readyz and /metrics.
    #[arg(long, env = "HTTP_ADDR", default_value = "0.0.0.0:8080")]
    pub http_addr: std::net::SocketAddr,
    /// Seconds between two looks at a system in which nothing happens; this is what notices a
    /// changed Secret.
    #[arg(long, env = "RESYNC_S", default_value_t = 15, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub resync_s: u64,
    /// Systems reconciled at once.
    #[arg(long, env = "RECONCILE_CONCURRENCY", default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub reconcile_concurrency: u16,
    /// Seconds one reconciliation may take.
    #[arg(long, env = "RECONCILE_TIMEOUT_S", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=600))]
    pub reconcile_timeout_s: u64,
    /// Most seconds between two tries of a failing system; the first retry comes after half a
    /// second.
    #[arg(long, env = "RETRY_MAX_S", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub retry_max_s: u64,
    /// Seconds after which the API server ends a watch, which is then opened again.
    #[arg(long, env = "WATCH_TIMEOUT_S", default_value_t = 120, value_parser = clap::value_parser!(u32).range(5..=290))]
    pub watch_timeout_s: u32,
    /// Milliseconds the operator waits for a service's /ready.
    #[arg(long, env = "PROBE_TIMEOUT_MS", default_value_t = 1000, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    pub probe_timeout_ms: u64,
    #[command(flatten)]
    pub election: Election,
    /// Least severe level that is logged, or a tracing filter.
    #[arg(long, env = "LOG_LEVEL", default_value = "info")]
    pub log_level: String,
    /// One JSON object per log line.
    #[arg(long, env = "JSON_LOGS", default_value_t = true, action = ArgAction::Set)]
    pub json_logs: bool,
}

/// Leader election on a Lease, with client-go's timings as defaults.
#[derive(Args, Clone, Debug)]
pub struct Election {
    /// Elect a leader. Switch off only where a single operator is certain.
    #[arg(long, env = "LEADER_ELECTION", default_value_t = true, action = ArgAction::Set)]
    pub leader_election: bool,
    /// Name of the Lease.
    #[arg(long, env = "LEASE_NAME", default_value = "ticket-system-operator")]
    pub lease_name: String,
    /// Namespace of the Lease; the operator's own.
    #[arg(long, env = "POD_NAMESPACE", default_value = "default")]
    pub pod_namespace: String,
    /// Identity of this operator in the election; the name of its pod.
    #[arg(long, env = "POD_NAME", default_value_t = identity())]
    pub pod_name: String,
    /// Milliseconds without a renewal after which another operator takes over.
    #[arg(long, env = "LEASE_DURATION_MS", default_value_t = 15_000, value_parser = clap::value_parser!(u64).range(1000..=600_000))]
    pub lease_duration_ms: u64,
    /// Milliseconds without a renewal after which the leader stops; below the lease's duration.
    #[arg(long, env = "RENEW_DEADLINE_MS", default_value_t = 10_000)]
    pub renew_deadline_ms: u64,
    /// Milliseconds between renewals; below the renewal deadline.
    #[arg(long, env = "RETRY_PERIOD_MS", default_value_t = 2_000)]
    pub retry_period_ms: u64,
}

fn identity() -> String {
    std::env::var("HOSTNAME")
        .ok()
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| format!("operator-{}", std::process::id()))
}

/// A combination of settings that cannot work.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct SettingsError(String);

impl Settings {
    /// Checks what no single flag can.
    ///
    /// # Errors
    /// When the timings of the election contradict each other or its identity is empty.
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
                "RENEW_DEADLINE_MS ({renew_deadline_ms}) must be below LEASE_DURATION_MS ({lease_duration_ms})"
            )));
        }
        if retry_period_ms >= renew_deadline_ms {
            return Err(SettingsError(format!(
                "RETRY_PERIOD_MS ({retry_period_ms}) must be below RENEW_DEADLINE_MS ({renew_deadline_ms})"
            )));
        }
        if pod_name.is_empty() {
            return Err(SettingsError(
                "POD_NAME must not be empty while leader election is on".to_owned(),
            ));
        }
        Ok(())
    }

    /// The namespaces to watch; `None` stands for all.
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
    fn no_namespaces_means_all() {
        assert_eq!(parse(&[]).scopes(), [None]);
        assert_eq!(
            parse(&["--watch-namespaces", "b, a,b,"]).scopes(),
            [Some("a".to_owned()), Some("b".to_owned())]
        );
    }

    #[test]
    fn contradicting_timings_are_named() {
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
