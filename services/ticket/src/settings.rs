//! Settings of ticket, and of the monolith.

use std::time::Duration;

use clap::Args;
use config::{
    ConfigError, LiveTokens, Source,
    accept::{Accept, parsed, range, seconds},
    http_path,
};
use http_server::{middleware::RequestSettings, settings::HttpSettings};
use vacancy_service::settings::{DeploymentMode, VacancyArgs, VacancySettings, port};

use crate::client::{BatcherSettings, BreakerSettings, EndpointSettings, VacancyLink};

/// The time between the end of the wait for vacancy and REQUEST_TIMEOUT_S.
const ANSWER_MARGIN: Duration = Duration::from_millis(100);

/// The variables of ticket and of the monolith.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Ticket")]
pub struct TicketArgs {
    /// Port of the ticket service.
    #[arg(env = "TICKET_PORT", default_value = "8002", value_parser = port())]
    pub ticket_port: u16,
    /// Port of the monolith.
    #[arg(env = "MONOLITH_PORT", default_value = "8000", value_parser = port())]
    pub monolith_port: u16,
    #[command(flatten)]
    pub link: LinkArgs,
    #[command(flatten)]
    pub vacancy: VacancyArgs,
}

/// The calls from ticket to vacancy.
#[derive(Debug, Clone, Args)]
pub struct LinkArgs {
    /// URL of vacancy.
    // Users write passwords into it by mistake.
    #[arg(
        env = "VACANCY_URL",
        default_value = "http://localhost:8001",
        hide_env_values = true,
        value_parser = url()
    )]
    pub vacancy_url: String,
    /// Time between two resolutions of the host of VACANCY_URL. Calls are spread over all its
    /// addresses; a connection that fails causes a resolution at once.
    #[arg(
        env = "VACANCY_RESOLVE_INTERVAL_MS",
        default_value = "1000",
        value_parser = range(100..=60_000_u64).unit("milliseconds")
    )]
    pub vacancy_resolve_interval_ms: u64,
    /// Age at which connections to vacancy are replaced, varied by 10 %, so that a load balancer
    /// in front of vacancy can spread them again.
    #[arg(
        env = "VACANCY_CONNECTION_AGE_S",
        default_value = "60",
        value_parser = seconds(1.0..=86_400.0)
    )]
    pub vacancy_connection_age: Duration,
    /// Time that ticket waits for vacancy; a purchase that waits half of it for a call gets 503.
    #[arg(
        env = "VACANCY_TIMEOUT",
        default_value = "2.0",
        value_parser = seconds(0.05..=60.0).described(
            "0.05 to 60 seconds, and less than REQUEST_TIMEOUT_S"
        )
    )]
    pub vacancy_timeout: Duration,
    /// Calls from ticket to vacancy at once; purchases that arrive meanwhile share the next call.
    #[arg(env = "VACANCY_CALLS", default_value = "2", value_parser = range(1..=1_000_usize))]
    pub vacancy_calls: usize,
    /// Maximum number of purchases in one call to vacancy. The body of a call is at most
    /// MAX_BODY_BYTES, which must be the same for both services.
    #[arg(
        env = "VACANCY_BATCH_MAX",
        default_value = "256",
        value_parser = range(1..=10_000_usize).described(
            "1 to 10000, and no more than RESERVE_BATCH_MAX of vacancy"
        )
    )]
    pub vacancy_batch_max: usize,
    /// Maximum number of purchases that wait for a call to vacancy; above it 503.
    #[arg(
        env = "VACANCY_QUEUE_MAX",
        default_value = "4096",
        value_parser = range(1..=1_048_576_usize)
    )]
    pub vacancy_queue_max: usize,
    /// Retries of a call to vacancy that breaks off, with the same keys; retries are at most a
    /// tenth of all calls.
    #[arg(env = "VACANCY_RETRIES", default_value = "2", value_parser = range(0..=10_u32))]
    pub vacancy_retries: u32,
    /// Time for which purchases wait, beyond VACANCY_TIMEOUT, while vacancy accepts no connection,
    /// such as during its replacement; then they get 503 until it does. It ends 0.1 s before
    /// REQUEST_TIMEOUT_S. VACANCY_RETRIES=0 turns it off.
    #[arg(
        env = "VACANCY_RECONNECT_WAIT_S",
        default_value = "5",
        value_parser = seconds(0.0..=60.0)
    )]
    pub vacancy_reconnect_wait: Duration,
    /// Consecutive failures before the circuit breaker opens. While it is open, purchases get 503
    /// immediately.
    #[arg(env = "BREAKER_FAILURES", default_value = "5", value_parser = range(1..=1_000_u32))]
    pub breaker_failures: u32,
    /// Time for which the circuit breaker stays open before it admits one call as a probe.
    #[arg(env = "BREAKER_OPEN_S", default_value = "0.5", value_parser = seconds(0.05..=60.0))]
    pub breaker_open: Duration,
    /// Maximum number of connections from ticket to vacancy; VACANCY_CALLS of them are in use at
    /// once.
    #[arg(
        env = "HTTP_MAX_CONNECTIONS",
        default_value = "100",
        value_parser = range(1..=10_000_usize)
    )]
    pub http_max_connections: usize,
    /// Idle connections to vacancy that stay open.
    #[arg(
        env = "HTTP_KEEPALIVE_CONNECTIONS",
        default_value = "20",
        value_parser = parsed::<usize>("0 to HTTP_MAX_CONNECTIONS")
    )]
    pub http_keepalive_connections: usize,
}

/// Settings of the `ticket` binary.
#[derive(Debug, Clone)]
pub struct TicketSettings {
    /// The HTTP server, logs and traces.
    pub http: HttpSettings,
    /// The stock of the monolith.
    pub vacancy: VacancySettings,
    /// DEPLOYMENT_MODE
    pub mode: DeploymentMode,
    /// TICKET_PORT, or MONOLITH_PORT in that mode.
    pub port: u16,
    /// The link to vacancy, in the other mode.
    pub link: VacancyLink,
}

impl TicketSettings {
    /// Reads and checks all settings.
    ///
    /// # Errors
    /// The first setting that is wrong.
    pub fn from_source(source: &Source) -> Result<Self, ConfigError> {
        config::read::<TicketArgs>(source)?.try_into()
    }
}

impl TryFrom<TicketArgs> for TicketSettings {
    type Error = ConfigError;

    fn try_from(args: TicketArgs) -> Result<Self, ConfigError> {
        let (http, mode) = (args.vacancy.http.clone(), args.vacancy.stock.deployment_mode);
        let stock: VacancySettings = args.vacancy.try_into()?;
        Ok(Self {
            link: args.link.link(mode, &http.requests, stock.tokens.seller.clone())?,
            vacancy: stock,
            http,
            mode,
            port: match mode {
                DeploymentMode::Monolith => args.monolith_port,
                DeploymentMode::Microservices => args.ticket_port,
            },
        })
    }
}

impl LinkArgs {
    fn link(
        self,
        mode: DeploymentMode,
        requests: &RequestSettings,
        seller_tokens: LiveTokens,
    ) -> Result<VacancyLink, ConfigError> {
        let connections_max = self.http_max_connections;
        if self.http_keepalive_connections > connections_max {
            let accepted = format!("0 to HTTP_MAX_CONNECTIONS, which is {connections_max}");
            let value = self.http_keepalive_connections;
            return Err(ConfigError::invalid("HTTP_KEEPALIVE_CONNECTIONS", &value, accepted));
        }
        // A purchase that REQUEST_TIMEOUT_S cuts off returns no key: the buyer could never learn
        // its outcome.
        let request_timeout = requests.request_timeout;
        if mode == DeploymentMode::Microservices && self.vacancy_timeout >= request_timeout {
            let accepted = format!(
                "less than REQUEST_TIMEOUT_S, which is {} seconds",
                request_timeout.as_secs_f64()
            );
            let value = self.vacancy_timeout.as_secs_f64();
            return Err(ConfigError::invalid("VACANCY_TIMEOUT", &value, accepted));
        }
        Ok(VacancyLink {
            url: self.vacancy_url,
            timeout: self.vacancy_timeout,
            keepalive_max: self.http_keepalive_connections,
            batcher: BatcherSettings {
                calls_max: self.vacancy_calls.min(connections_max),
                batch_max: self.vacancy_batch_max,
                bytes_max: requests.max_body_bytes,
                queue_max: self.vacancy_queue_max,
            },
            endpoints: EndpointSettings {
                resolve_interval: Duration::from_millis(self.vacancy_resolve_interval_ms),
                connection_age: self.vacancy_connection_age,
            },
            retries_max: self.vacancy_retries,
            // The answer must leave in time: it may carry a generated key.
            reconnect_wait: self
                .vacancy_reconnect_wait
                .min(request_timeout.saturating_sub(self.vacancy_timeout + ANSWER_MARGIN)),
            breaker: BreakerSettings { failures: self.breaker_failures, open: self.breaker_open },
            seller_tokens,
        })
    }
}

/// A URL of scheme, host and port alone, in the form that a URL library gives it.
fn url() -> Accept<String> {
    let words = "an http URL of host and port alone, such as http://vacancy:8001";
    Accept::new(words, |text| {
        http_path(text).filter(|path| matches!(*path, "" | "/"))?;
        let url = reqwest::Url::parse(text).ok()?;
        Some(url.as_str().trim_end_matches('/').to_owned())
    })
}

#[cfg(test)]
mod tests {
    use config::Source;

    use super::*;

    fn link(url: &str) -> Result<String, ConfigError> {
        let source = Source::from_pairs([("VACANCY_URL", url)]);
        TicketSettings::from_source(&source).map(|settings| settings.link.url)
    }

    #[test]
    fn url_is_host_and_port_alone() {
        for (given, used) in [
            ("http://vacancy:8001", "http://vacancy:8001"),
            ("http://vacancy:8001/", "http://vacancy:8001"),
            ("HTTP://Vacancy.Shop.svc:8001", "http://vacancy.shop.svc:8001"),
            ("http://vacancy", "http://vacancy"),
            ("http://127.0.0.1:8001", "http://127.0.0.1:8001"),
            ("http://[::1]:8001", "http://[::1]:8001"),
        ] {
            assert_eq!(link(given).ok().as_deref(), Some(used), "{given}");
        }
        for refused in [
            "vacancy:8001",
            "https://vacancy:8001",
            "http://",
            "http:///",
            "http:vacancy:8001",
            "http:/vacancy:8001",
            "http://vacancy:8001/api",
            "http://vacancy:8001//",
            "http://vacancy:8001/.",
            "http://vacancy:8001\\x",
            "http://vacancy:8001?x=1",
            "http://vacancy:8001/?",
            "http://vacancy:8001#x",
            "http://vacancy:8001/#",
            "http://u:secret@vacancy:8001",
            "http://u@vacancy:8001",
            "http://@vacancy:8001",
            "http://:@vacancy:8001",
            "http://vacancy:0",
            "http://vacancy:99999",
            "http://va cancy:8001",
            "http://one,two:8001/x",
            "http://one,two:8001",
            "http://vacancy;8001",
            "http://vacancy~1:8001",
            "http://vac'ancy:8001",
            "http://(vacancy):8001",
        ] {
            let error = link(refused).expect_err(refused).to_string();
            assert!(error.starts_with("VACANCY_URL: ") && !error.contains("secret"), "{error}");
            assert_eq!(error.lines().count(), 1, "{error}");
        }
    }

    #[test]
    fn wait_for_vacancy_ends_before_the_request() {
        let wait = |pairs: &[(&str, &str)]| {
            let settings = TicketSettings::from_source(&Source::from_pairs(pairs.to_vec()));
            settings.expect("accepted").link.reconnect_wait.as_secs_f64()
        };
        assert_eq!(wait(&[]), 5.0);
        assert_eq!(wait(&[("VACANCY_TIMEOUT", "8")]), 1.9);
        assert_eq!(wait(&[("VACANCY_TIMEOUT", "9.95")]), 0.0);
        assert_eq!(wait(&[("VACANCY_RECONNECT_WAIT_S", "0")]), 0.0);
        assert_eq!(wait(&[("REQUEST_TIMEOUT_S", "60"), ("VACANCY_RECONNECT_WAIT_S", "30")]), 30.0);
    }
}
