//! Settings of the operator, from flags or environment variables.

use std::{net::SocketAddr, time::Duration};

use clap::{ArgAction, Args};
use config::{
    ConfigError,
    accept::{flag, parsed, range},
};

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
    /// Seconds that the check of a new image and new settings may take, with the time to pull the
    /// image. If it fails or takes longer, the running pods stay.
    #[arg(
        long,
        env = "PREFLIGHT_TIMEOUT_S",
        default_value_t = 120,
        value_parser = range(5..=3600_u32)
    )]
    pub preflight_timeout_s: u32,
    /// Seconds that the pod on a volume may take to become ready after it was replaced, with the
    /// time to recover the store. After that, the previous image and settings come back.
    #[arg(
        long,
        env = "SWAP_TIMEOUT_S",
        default_value_t = 180,
        value_parser = range(10..=3600_i32)
    )]
    pub swap_timeout_s: i32,
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
    #[arg(
        long,
        env = "HTTP_ADDR",
        default_value = "0.0.0.0:8080",
        value_parser = parsed::<SocketAddr>("address and port")
    )]
    pub http_addr: SocketAddr,
    /// Seconds between reconciliations of an unchanged system. A changed Secret takes effect
    /// within this time.
    #[arg(
        long,
        env = "RESYNC_S",
        default_value_t = 15,
        value_parser = range(1..=3600_u64)
    )]
    pub resync_s: u64,
    /// Systems that are reconciled concurrently.
    #[arg(
        long,
        env = "RECONCILE_CONCURRENCY",
        default_value_t = 16,
        value_parser = range(1..=1024_u16)
    )]
    pub reconcile_concurrency: u16,
    /// Timeout of one reconciliation, in seconds.
    #[arg(
        long,
        env = "RECONCILE_TIMEOUT_S",
        default_value_t = 60,
        value_parser = range(1..=600_u64)
    )]
    pub reconcile_timeout_s: u64,
    /// Longest delay between retries of a failing system, in seconds. The first retry is after 0.5
    /// s, and the delay doubles.
    #[arg(
        long,
        env = "RETRY_MAX_S",
        default_value_t = 30,
        value_parser = range(1..=3600_u64)
    )]
    pub retry_max_s: u64,
    /// Seconds after which the API server ends a watch. The operator then restarts it.
    #[arg(
        long,
        env = "WATCH_TIMEOUT_S",
        default_value_t = 120,
        value_parser = range(5..=290_u32)
    )]
    pub watch_timeout_s: u32,
    /// Timeout of a request to /ready of a service, in milliseconds.
    #[arg(
        long,
        env = "PROBE_TIMEOUT_MS",
        default_value_t = 1000,
        value_parser = range(1..=10_000_u64)
    )]
    pub probe_timeout_ms: u64,
    /// Corrections of one child that follow at once after another writer changed it. If it is
    /// changed again, the condition FieldConflict reports it, and corrections become rarer.
    #[arg(
        long,
        env = "CONFLICT_CORRECTIONS",
        default_value_t = 3,
        value_parser = range(1..=100_u32)
    )]
    pub conflict_corrections: u32,
    /// Longest pause between corrections of a child that another writer keeps changing, in
    /// seconds. The first pause is 5 s, and the pause doubles.
    #[arg(
        long,
        env = "CONFLICT_PAUSE_MAX_S",
        default_value_t = 300,
        value_parser = range(1..=3600_u64)
    )]
    pub conflict_pause_max_s: u64,
    #[command(flatten)]
    pub election: Election,
    /// Minimum level of log lines, or a tracing filter.
    #[arg(long, env = "LOG_LEVEL", default_value = "info")]
    pub log_level: String,
    /// Log one JSON object per line instead of text.
    #[arg(
        long,
        env = "JSON_LOGS",
        default_value = "true",
        action = ArgAction::Set,
        value_parser = flag()
    )]
    pub json_logs: bool,
}

/// Leader election on a Lease. The default timings are those of client-go.
#[derive(Args, Clone, Debug)]
pub struct Election {
    /// Elect a leader. Disable this only if no more than one operator can run.
    #[arg(
        long,
        env = "LEADER_ELECTION",
        default_value = "true",
        action = ArgAction::Set,
        value_parser = flag()
    )]
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
        value_parser = range(1000..=600_000_u64)
    )]
    pub lease_duration_ms: u64,
    /// Milliseconds without a renewal after which the leader stops. Must be below
    /// LEASE_DURATION_MS.
    #[arg(
        long,
        env = "RENEW_DEADLINE_MS",
        default_value_t = 10_000,
        value_parser = parsed::<u64>("milliseconds")
    )]
    pub renew_deadline_ms: u64,
    /// Milliseconds between renewals. Must be below RENEW_DEADLINE_MS.
    #[arg(
        long,
        env = "RETRY_PERIOD_MS",
        default_value_t = 2_000,
        value_parser = parsed::<u64>("milliseconds")
    )]
    pub retry_period_ms: u64,
}

fn identity() -> String {
    std::env::var("HOSTNAME")
        .ok()
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| format!("operator-{}", std::process::id()))
}

impl Settings {
    /// Checks combinations of settings.
    ///
    /// # Errors
    /// If the timings of the election are inconsistent, or its identity is empty.
    pub fn check(&self) -> Result<(), ConfigError> {
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
        let below = |name: &str, value: &u64, other: &str, limit: &u64| {
            let accepted = format!("less than {other}, which is {limit}");
            if value < limit { Ok(()) } else { Err(ConfigError::invalid(name, value, accepted)) }
        };
        below("RENEW_DEADLINE_MS", renew_deadline_ms, "LEASE_DURATION_MS", lease_duration_ms)?;
        below("RETRY_PERIOD_MS", retry_period_ms, "RENEW_DEADLINE_MS", renew_deadline_ms)?;
        if pod_name.is_empty() {
            let accepted = "a name while leader election is enabled";
            return Err(ConfigError::invalid("POD_NAME", pod_name, accepted));
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
    use config::Source;

    use super::*;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        settings: Settings,
    }

    fn read(args: &[&str], environment: &[(&str, &str)]) -> Result<Settings, ConfigError> {
        let source = Source::from_pairs(environment.iter().copied());
        let cli: Cli = config::parse(&source, [&["operator"], args].concat())?;
        Ok(cli.settings)
    }

    fn parse(args: &[&str]) -> Settings {
        read(args, &[]).expect("accepted")
    }

    #[test]
    fn flags_win_over_the_environment() {
        let environment = [("RESYNC_S", "7"), ("LEADER_ELECTION", "no"), ("POD_NAME", " ")];
        let settings = read(&["--resync-s", "8"], &environment).expect("accepted");
        assert_eq!((settings.resync_s, settings.election.leader_election), (8, false));
        assert_eq!(settings.election.pod_name, identity(), "an empty value counts as unset");
        let error = read(&[], &[("RESYNC_S", "0")]).expect_err("refused").to_string();
        assert_eq!(error, "RESYNC_S: \"0\" is not accepted; expected 1 to 3600");
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
            "RENEW_DEADLINE_MS: \"15000\" is not accepted; expected less than LEASE_DURATION_MS, \
             which is 15000"
        );
        assert!(parse(&["--retry-period-ms", "10000"]).check().is_err());
        assert!(
            parse(&["--retry-period-ms", "10000", "--leader-election", "false"]).check().is_ok()
        );
    }
}
