//! The settings of ticket, and of the monolith.

use std::time::Duration;

use config::{ConfigError, Group, Source, Var};
use http_server::{middleware::RequestSettings, settings::ServingSettings};
use vacancy::{VacancySettings, settings::DeploymentMode};

use crate::client::{BatcherSettings, BreakerSettings, VacancyLink};

const TICKET_PORT: Var = Var::new(
    "TICKET_PORT",
    "8002",
    "port number, 0 for any free one",
    "Port of the ticket service",
);
const MONOLITH_PORT: Var =
    Var::new("MONOLITH_PORT", "8000", "port number, 0 for any free one", "Port of the monolith");
const VACANCY_URL: Var = Var::new(
    "VACANCY_URL",
    "http://localhost:8001",
    "http URL without a path",
    "Where ticket finds vacancy",
);
const VACANCY_TIMEOUT: Var = Var::new(
    "VACANCY_TIMEOUT",
    "2.0",
    "0.05 to 60 seconds, and less than REQUEST_TIMEOUT_S",
    "How long ticket waits for vacancy; a purchase that has waited half of it for its turn gets 503",
);
const HTTP_MAX_CONNECTIONS: Var = Var::new(
    "HTTP_MAX_CONNECTIONS",
    "100",
    "1 to 10000",
    "Most connections from ticket to vacancy; VACANCY_CALLS of them are used at once",
);
const HTTP_KEEPALIVE_CONNECTIONS: Var = Var::new(
    "HTTP_KEEPALIVE_CONNECTIONS",
    "20",
    "0 to HTTP_MAX_CONNECTIONS",
    "Idle connections to vacancy that are kept open",
);

const VACANCY_CALLS: Var = Var::new(
    "VACANCY_CALLS",
    "2",
    "1 to 1000",
    "Calls from ticket to vacancy at once; purchases that come meanwhile go together with the next one",
);
const VACANCY_BATCH_MAX: Var = Var::new(
    "VACANCY_BATCH_MAX",
    "256",
    "1 to 10000, and no more than RESERVE_BATCH_MAX of vacancy",
    "Most purchases of one call to vacancy; its body is at most MAX_BODY_BYTES, which must be the same for both services",
);
const VACANCY_QUEUE_MAX: Var = Var::new(
    "VACANCY_QUEUE_MAX",
    "4096",
    "1 to 1048576",
    "Most purchases that wait for a call to vacancy; beyond it 503",
);
const VACANCY_RETRIES: Var = Var::new(
    "VACANCY_RETRIES",
    "2",
    "0 to 10",
    "How often a call to vacancy that breaks off is repeated, with the same keys; repetitions are at most a tenth of all calls",
);
const BREAKER_FAILURES: Var = Var::new(
    "BREAKER_FAILURES",
    "5",
    "1 to 1000",
    "So many calls to vacancy that fail in a row open the circuit breaker: purchases get 503 at once",
);
const BREAKER_OPEN_S: Var = Var::new(
    "BREAKER_OPEN_S",
    "0.5",
    "0.05 to 60 seconds",
    "How long the circuit breaker stays open before one call is let through to see",
);

/// Where ticket listens and finds vacancy.
pub const TICKET: Group = Group {
    title: "Ticket",
    vars: &[
        &TICKET_PORT,
        &MONOLITH_PORT,
        &VACANCY_URL,
        &VACANCY_TIMEOUT,
        &VACANCY_CALLS,
        &VACANCY_BATCH_MAX,
        &VACANCY_QUEUE_MAX,
        &VACANCY_RETRIES,
        &BREAKER_FAILURES,
        &BREAKER_OPEN_S,
        &HTTP_MAX_CONNECTIONS,
        &HTTP_KEEPALIVE_CONNECTIONS,
    ],
};

/// What the `ticket` binary is told.
#[derive(Debug, Clone)]
pub struct TicketSettings {
    /// What every service is told.
    pub serving: ServingSettings,
    /// What the monolith is told about its stock.
    pub vacancy: VacancySettings,
    /// DEPLOYMENT_MODE
    pub mode: DeploymentMode,
    /// TICKET_PORT, or MONOLITH_PORT in that mode.
    pub port: u16,
    /// How vacancy is reached, in the other mode.
    pub link: VacancyLink,
}

impl TicketSettings {
    /// The groups of settings it reads, for help and documentation.
    pub const GROUPS: [Group; 5] = [
        TICKET,
        vacancy::settings::STOCK,
        vacancy::settings::DATABASE,
        vacancy::settings::LIMITS,
        http_server::settings::SERVING,
    ];

    /// Reads and checks all of them.
    ///
    /// # Errors
    /// The first variable that is wrong.
    pub fn from_source(source: &Source) -> Result<Self, ConfigError> {
        let mode = DeploymentMode::from_source(source)?;
        let (ticket_port, monolith_port) = (source.get(&TICKET_PORT)?, source.get(&MONOLITH_PORT)?);
        let serving = ServingSettings::from_source(source)?;
        Ok(Self {
            link: link(source, mode, &serving.requests)?,
            serving,
            vacancy: VacancySettings::from_source(source)?,
            mode,
            port: if mode == DeploymentMode::Monolith { monolith_port } else { ticket_port },
        })
    }
}

fn link(
    source: &Source,
    mode: DeploymentMode,
    requests: &RequestSettings,
) -> Result<VacancyLink, ConfigError> {
    let connections_max = source.get_in_range(&HTTP_MAX_CONNECTIONS, 1..=10_000)?;
    Ok(VacancyLink {
        url: url(source)?,
        timeout: timeout(source, mode, requests.request_timeout)?,
        keepalive_max: source.get_in_range(&HTTP_KEEPALIVE_CONNECTIONS, 0..=connections_max)?,
        batcher: BatcherSettings {
            calls_max: source.get_in_range(&VACANCY_CALLS, 1..=1_000)?.min(connections_max),
            batch_max: source.get_in_range(&VACANCY_BATCH_MAX, 1..=10_000)?,
            bytes_max: requests.max_body_bytes,
            queue_max: source.get_in_range(&VACANCY_QUEUE_MAX, 1..=1_048_576)?,
        },
        retries_max: source.get_in_range(&VACANCY_RETRIES, 0..=10)?,
        breaker: BreakerSettings {
            failures: source.get_in_range(&BREAKER_FAILURES, 1..=1_000)?,
            open: source.get_duration_s_in(&BREAKER_OPEN_S, 0.05..=60.0)?,
        },
    })
}

/// A purchase that REQUEST_TIMEOUT_S ends is answered without the key that was made for it: its
/// buyer could never learn what became of it.
fn timeout(
    source: &Source,
    mode: DeploymentMode,
    request_timeout: Duration,
) -> Result<Duration, ConfigError> {
    let timeout = source.get_duration_s_in(&VACANCY_TIMEOUT, 0.05..=60.0)?;
    if mode == DeploymentMode::Microservices && timeout >= request_timeout {
        let accepted = format!(
            "less than REQUEST_TIMEOUT_S, which is {} seconds",
            request_timeout.as_secs_f64()
        );
        return Err(ConfigError::invalid(
            &VACANCY_TIMEOUT,
            &timeout.as_secs_f64().to_string(),
            accepted,
        ));
    }
    Ok(timeout)
}

fn url(source: &Source) -> Result<String, ConfigError> {
    let text: String = source.get(&VACANCY_URL)?;
    let accepted = reqwest::Url::parse(&text).is_ok_and(|url| {
        url.scheme() == "http"
            && url.has_host()
            && url.path() == "/"
            && url.query().is_none()
            && url.username().is_empty()
            && url.password().is_none()
    });
    // Without the value: somebody may have put a password into it.
    if accepted {
        Ok(text.trim_end_matches('/').to_owned())
    } else {
        Err(ConfigError::Invalid {
            name: VACANCY_URL.name.to_owned(),
            value: "the value".to_owned(),
            accepted: "an http URL without a path or password, such as http://vacancy:8001"
                .to_owned(),
        })
    }
}
