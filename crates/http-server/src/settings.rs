//! The settings that every service has in common.

use std::num::NonZeroU32;

use config::{ConfigError, Group, Source, Var};
use telemetry::{LogLevel, TraceSettings};

use crate::{
    middleware::{QuotaSettings, RequestSettings},
    server::ServerSettings,
};

const HOST: Var =
    Var::new("HOST", "0.0.0.0", "address or host name", "Address the server listens on");
const SERVICE_NAME: Var = Var::new(
    "SERVICE_NAME",
    "ticket-system",
    "text",
    "Name of the system in logs and on the start page",
);
const ENVIRONMENT: Var = Var::new(
    "ENVIRONMENT",
    "development",
    "text",
    "Name of the environment, shown on the start page",
);
const LOG_LEVEL: Var = Var::new(
    "LOG_LEVEL",
    "INFO",
    "one of DEBUG, INFO, WARNING, ERROR",
    "Least severe level that is logged",
);
const JSON_LOGS: Var = Var::new("JSON_LOGS", "false", "true or false", "Write logs as JSON lines");
const CORS_ALLOW_ORIGINS: Var = Var::new(
    "CORS_ALLOW_ORIGINS",
    "*",
    "* or a comma-separated list of origins",
    "Origins that browsers may call from",
);
const MAX_CONNECTIONS: Var = Var::new(
    "MAX_CONNECTIONS",
    "10000",
    "whole number of connections",
    "Connections served at once; above it only probes are answered, the rest get 503",
);
const MAX_REQUESTS_IN_FLIGHT: Var = Var::new(
    "MAX_REQUESTS_IN_FLIGHT",
    "10000",
    "whole number of requests",
    "Requests handled at once; above it 503, probes excepted. A tenth is kept for what finishes a hold",
);
const MAX_SLOW_BODIES: Var = Var::new(
    "MAX_SLOW_BODIES",
    "1000",
    "whole number of requests",
    "Requests whose body is not there 0.1 s after the head, at once; above it 503. At most half of MAX_REQUESTS_IN_FLIGHT counts",
);
const MAX_BODY_BYTES: Var = Var::new(
    "MAX_BODY_BYTES",
    "65536",
    "whole number of bytes",
    "Largest request body; above it 413",
);
const MAX_HEADER_BYTES: Var = Var::new(
    "MAX_HEADER_BYTES",
    "16384",
    "whole number of bytes",
    "Largest request head (request line and headers); above it 431",
);
const HEADER_TIMEOUT_S: Var = Var::new(
    "HEADER_TIMEOUT_S",
    "5",
    "seconds",
    "Time for a request's head to arrive, and for the first one after connecting",
);
const BODY_TIMEOUT_S: Var = Var::new(
    "BODY_TIMEOUT_S",
    "10",
    "seconds",
    "Time for a request's body to arrive; above it 408",
);
const REQUEST_TIMEOUT_S: Var = Var::new(
    "REQUEST_TIMEOUT_S",
    "10",
    "seconds",
    "Time for an answer once the request has arrived; above it 503",
);
const MAX_CONNECTION_AGE_S: Var = Var::new(
    "MAX_CONNECTION_AGE_S",
    "300",
    "seconds",
    "Age at which a connection is closed gracefully (varied by 10 %)",
);
const KEEPALIVE_IDLE_S: Var =
    Var::new("KEEPALIVE_IDLE_S", "75", "seconds", "Time after which an idle connection is closed");
const RATE_LIMIT_PER_SECOND: Var = Var::optional(
    "RATE_LIMIT_PER_SECOND",
    "1 to 1000000 requests; unset, there is no limit",
    "Requests a second that one client may send in the long run; above it 429, probes excepted",
);
const RATE_LIMIT_BURST: Var = Var::optional(
    "RATE_LIMIT_BURST",
    "1 to 1000000 requests; unset, twice RATE_LIMIT_PER_SECOND",
    "Requests that one client may send at once",
);
const RATE_LIMIT_CLIENTS_MAX: Var = Var::new(
    "RATE_LIMIT_CLIENTS_MAX",
    "100000",
    "1 to 10000000 clients",
    "Clients that are told apart; beyond it those that asked for least are forgotten",
);
const RATE_LIMIT_BY: Var = Var::new(
    "RATE_LIMIT_BY",
    "address",
    "address or token",
    "What makes a client: its address (of IPv6 the /64), or its bearer token if it sends one. token only where something in front checks tokens",
);
const TRUSTED_PROXIES: Var = Var::optional(
    "TRUSTED_PROXIES",
    "addresses or networks such as 10.0.0.0/8, separated by commas",
    "Who may say in X-Forwarded-For for whom they ask; what they ask for themselves has no limit",
);
const HTTP2_MAX_STREAMS: Var = Var::new(
    "HTTP2_MAX_STREAMS",
    "250",
    "whole number of streams",
    "Concurrent HTTP/2 streams per connection",
);
const SHUTDOWN_DRAIN_S: Var = Var::new(
    "SHUTDOWN_DRAIN_S",
    "0.5",
    "seconds",
    "On shutdown: how long readiness answers 503 while requests are still served",
);
const SHUTDOWN_TIMEOUT_S: Var = Var::new(
    "SHUTDOWN_TIMEOUT_S",
    "10",
    "seconds",
    "On shutdown: hard deadline for connections after the drain",
);

// Some write a password into it.
const OTEL_EXPORTER_OTLP_ENDPOINT: Var = Var::secret(
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "http URL such as http://collector:4318, without a password: that goes into OTEL_EXPORTER_OTLP_HEADERS; unset, there are no traces",
    "Where OpenTelemetry traces are sent (OTLP, http/protobuf); /v1/traces is added",
);
const OTEL_TRACES_SAMPLER_ARG: Var = Var::new(
    "OTEL_TRACES_SAMPLER_ARG",
    "1",
    "0 to 1",
    "Part of the traces that begin here which is kept; those of callers are kept as they say",
);

/// The settings every service shares; ports are each service's own.
pub const SERVING: Group = Group {
    title: "Serving",
    vars: &[
        &HOST,
        &SERVICE_NAME,
        &ENVIRONMENT,
        &LOG_LEVEL,
        &JSON_LOGS,
        &CORS_ALLOW_ORIGINS,
        &MAX_CONNECTIONS,
        &MAX_REQUESTS_IN_FLIGHT,
        &MAX_SLOW_BODIES,
        &MAX_BODY_BYTES,
        &MAX_HEADER_BYTES,
        &HEADER_TIMEOUT_S,
        &BODY_TIMEOUT_S,
        &REQUEST_TIMEOUT_S,
        &MAX_CONNECTION_AGE_S,
        &KEEPALIVE_IDLE_S,
        &HTTP2_MAX_STREAMS,
        &RATE_LIMIT_PER_SECOND,
        &RATE_LIMIT_BURST,
        &RATE_LIMIT_CLIENTS_MAX,
        &RATE_LIMIT_BY,
        &TRUSTED_PROXIES,
        &OTEL_EXPORTER_OTLP_ENDPOINT,
        &OTEL_TRACES_SAMPLER_ARG,
        &SHUTDOWN_DRAIN_S,
        &SHUTDOWN_TIMEOUT_S,
    ],
};

/// Shortest deadline that can be configured, seconds.
const DEADLINE_MIN_S: f64 = 0.05;
/// Longest deadline that can be configured, seconds.
const DEADLINE_MAX_S: f64 = 3_600.0;

/// Everything in [`SERVING`], parsed.
#[derive(Debug, Clone)]
pub struct ServingSettings {
    /// HOST
    pub host: String,
    /// SERVICE_NAME
    pub service_name: String,
    /// ENVIRONMENT
    pub environment: String,
    /// LOG_LEVEL
    pub log_level: LogLevel,
    /// JSON_LOGS
    pub json_logs: bool,
    /// Where traces go.
    pub traces: TraceSettings,
    /// What applies to connections.
    pub server: ServerSettings,
    /// What applies to requests.
    pub requests: RequestSettings,
}

impl ServingSettings {
    /// Parses and checks the settings.
    ///
    /// # Errors
    /// The first variable that is wrong.
    pub fn from_source(source: &Source) -> Result<Self, ConfigError> {
        let deadline = |var: &Var| source.get_duration_s_in(var, DEADLINE_MIN_S..=DEADLINE_MAX_S);
        let quota = quota(source)?;
        let long = |var: &Var| source.get_duration_s_in(var, DEADLINE_MIN_S..=86_400.0);
        Ok(Self {
            host: source.get(&HOST)?,
            service_name: source.get(&SERVICE_NAME)?,
            environment: source.get(&ENVIRONMENT)?,
            log_level: source.get(&LOG_LEVEL)?,
            json_logs: source.get_bool(&JSON_LOGS)?,
            traces: TraceSettings {
                endpoint: otlp_endpoint(source)?,
                sampled_part: source.get_in_range(&OTEL_TRACES_SAMPLER_ARG, 0.0..=1.0)?,
            },
            server: ServerSettings {
                max_connections: source.get_in_range(&MAX_CONNECTIONS, 1..=1_000_000)?,
                max_header_bytes: source.get_in_range(
                    &MAX_HEADER_BYTES,
                    ServerSettings::HEADER_BYTES_MIN..=1_048_576,
                )?,
                header_timeout: deadline(&HEADER_TIMEOUT_S)?,
                max_connection_age: long(&MAX_CONNECTION_AGE_S)?,
                keepalive_idle: long(&KEEPALIVE_IDLE_S)?,
                note_peers: quota.is_some(),
                http2_max_streams: source.get_in_range(&HTTP2_MAX_STREAMS, 1..=10_000)?,
                shutdown_drain: source
                    .get_duration_s_in(&SHUTDOWN_DRAIN_S, 0.0..=DEADLINE_MAX_S)?,
                shutdown_timeout: source
                    .get_duration_s_in(&SHUTDOWN_TIMEOUT_S, 0.0..=DEADLINE_MAX_S)?,
            },
            requests: RequestSettings {
                max_in_flight: source.get_in_range(&MAX_REQUESTS_IN_FLIGHT, 1..=1_000_000)?,
                max_slow_bodies: source.get_in_range(&MAX_SLOW_BODIES, 1..=1_000_000)?,
                max_body_bytes: source.get_in_range(&MAX_BODY_BYTES, 1..=1_073_741_824)?,
                body_timeout: deadline(&BODY_TIMEOUT_S)?,
                request_timeout: deadline(&REQUEST_TIMEOUT_S)?,
                cors_allow_origins: source.get(&CORS_ALLOW_ORIGINS)?,
                quota,
                ..RequestSettings::default()
            },
        })
    }
}

fn otlp_endpoint(source: &Source) -> Result<Option<String>, ConfigError> {
    let endpoint: Option<String> = source.get_opt(&OTEL_EXPORTER_OTLP_ENDPOINT)?;
    let is_http = |text: &String| {
        // A password in it would be in the logs of the libraries that call it; headers are not.
        let plain = |url: &http::Uri| {
            url.authority().is_some_and(|authority| !authority.as_str().contains('@'))
        };
        text.parse::<http::Uri>().is_ok_and(|url| url.scheme_str() == Some("http") && plain(&url))
    };
    match endpoint {
        Some(text) if !is_http(&text) => Err(ConfigError::invalid(
            &OTEL_EXPORTER_OTLP_ENDPOINT,
            &text,
            OTEL_EXPORTER_OTLP_ENDPOINT.kind,
        )),
        endpoint => Ok(endpoint),
    }
}

fn quota(source: &Source) -> Result<Option<QuotaSettings>, ConfigError> {
    const REQUESTS_MAX: u32 = 1_000_000;
    let number = |var: &Var| match source.get_opt::<NonZeroU32>(var)? {
        Some(number) if number.get() > REQUESTS_MAX => {
            Err(ConfigError::invalid(var, &number.to_string(), var.kind))
        }
        number => Ok(number),
    };
    // All are read, so that a mistake is found also while there is no limit.
    let (rate_per_s, burst) = (number(&RATE_LIMIT_PER_SECOND)?, number(&RATE_LIMIT_BURST)?);
    let clients_max = source.get_in_range(&RATE_LIMIT_CLIENTS_MAX, 1..=10_000_000)?;
    let trusted = source.get_opt(&TRUSTED_PROXIES)?.unwrap_or_default();
    let by: String = source.get(&RATE_LIMIT_BY)?;
    let by_token = match by.as_str() {
        "address" => false,
        "token" => true,
        _ => return Err(ConfigError::invalid(&RATE_LIMIT_BY, &by, RATE_LIMIT_BY.kind)),
    };
    Ok(rate_per_s.map(|rate_per_s| {
        let burst = burst.unwrap_or(rate_per_s.saturating_mul(NonZeroU32::MIN.saturating_add(1)));
        QuotaSettings { rate_per_s, burst, clients_max, trusted, by_token }
    }))
}
