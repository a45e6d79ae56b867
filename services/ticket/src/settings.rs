//! The settings of ticket, and of the monolith.

use std::time::Duration;

use serving::config::{ConfigError, Group, ServingSettings, Source, Var};
use vacancy::VacancySettings;
use vacancy::settings::DeploymentMode;

const TICKET_PORT: Var = Var::new("TICKET_PORT", "8002", "port number, 0 for any free one", "Port of the ticket service");
const MONOLITH_PORT: Var = Var::new("MONOLITH_PORT", "8000", "port number, 0 for any free one", "Port of the monolith");
const VACANCY_URL: Var = Var::new("VACANCY_URL", "http://localhost:8001", "http URL without a path", "Where ticket finds vacancy");
const VACANCY_TIMEOUT: Var = Var::new("VACANCY_TIMEOUT", "2.0", "0.05 to 60 seconds", "How long ticket waits for vacancy");
const HTTP_MAX_CONNECTIONS: Var = Var::new(
    "HTTP_MAX_CONNECTIONS",
    "100",
    "1 to 10000",
    "Calls from ticket to vacancy at once; the next ones wait within VACANCY_TIMEOUT",
);
const HTTP_KEEPALIVE_CONNECTIONS: Var =
    Var::new("HTTP_KEEPALIVE_CONNECTIONS", "20", "0 to HTTP_MAX_CONNECTIONS", "Idle connections to vacancy that are kept open");

/// Where ticket listens and finds vacancy.
pub const TICKET: Group = Group {
    title: "Ticket",
    vars: &[&TICKET_PORT, &MONOLITH_PORT, &VACANCY_URL, &VACANCY_TIMEOUT, &HTTP_MAX_CONNECTIONS, &HTTP_KEEPALIVE_CONNECTIONS],
};

/// How vacancy is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VacancyLink {
    /// VACANCY_URL, without a slash at its end.
    pub url: String,
    /// VACANCY_TIMEOUT
    pub timeout: Duration,
    /// HTTP_MAX_CONNECTIONS
    pub connections_max: usize,
    /// HTTP_KEEPALIVE_CONNECTIONS
    pub keepalive_max: usize,
}

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
    pub const GROUPS: [Group; 4] = [TICKET, vacancy::settings::STOCK, vacancy::settings::LIMITS, serving::config::SERVING];

    /// Reads and checks all of them.
    ///
    /// # Errors
    /// The first variable that is wrong.
    pub fn from_source(source: &Source) -> Result<Self, ConfigError> {
        let mode = DeploymentMode::from_source(source)?;
        let (ticket_port, monolith_port) = (source.get(&TICKET_PORT)?, source.get(&MONOLITH_PORT)?);
        let connections_max = source.get_in_range(&HTTP_MAX_CONNECTIONS, 1..=10_000)?;
        Ok(Self {
            serving: ServingSettings::from_source(source)?,
            vacancy: VacancySettings::from_source(source)?,
            mode,
            port: if mode == DeploymentMode::Monolith { monolith_port } else { ticket_port },
            link: VacancyLink {
                url: url(source)?,
                timeout: source.get_duration_s_in(&VACANCY_TIMEOUT, 0.05..=60.0)?,
                connections_max,
                keepalive_max: source.get_in_range(&HTTP_KEEPALIVE_CONNECTIONS, 0..=connections_max)?,
            },
        })
    }
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
            accepted: "an http URL without a path or password, such as http://vacancy:8001".to_owned(),
        })
    }
}
