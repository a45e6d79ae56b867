//! Settings of the connection to vacancy, as plain values.

use std::time::Duration;

use config::LiveTokens;

/// The address of vacancy and the limits of calls to it.
#[derive(Debug, Clone)]
pub struct VacancyLink {
    /// VACANCY_URL, without a trailing slash.
    pub url: String,
    /// VACANCY_TIMEOUT
    pub timeout: Duration,
    /// HTTP_KEEPALIVE_CONNECTIONS
    pub keepalive_max: usize,
    /// VACANCY_CALLS (HTTP_MAX_CONNECTIONS if that is less), VACANCY_BATCH_MAX, MAX_BODY_BYTES,
    /// VACANCY_QUEUE_MAX
    pub batcher: BatcherSettings,
    /// VACANCY_RESOLVE_INTERVAL_MS, VACANCY_CONNECTION_AGE_S
    pub endpoints: EndpointSettings,
    /// VACANCY_RETRIES
    pub retries_max: u32,
    /// VACANCY_RECONNECT_WAIT_S
    pub reconnect_wait: Duration,
    /// BREAKER_FAILURES, BREAKER_OPEN_S
    pub breaker: BreakerSettings,
    /// SELLER_TOKEN, SELLER_TOKEN_FILE: sent with purchases of the seller.
    pub seller_tokens: LiveTokens,
}

impl VacancyLink {
    /// Returns the time to connect: a fraction of the timeout of a call, so that after a host that
    /// vanished another one can be tried.
    #[must_use]
    pub fn connect_timeout(&self) -> Duration {
        self.timeout / 4
    }
}

/// How the endpoints of vacancy are found, and when connections to them are replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EndpointSettings {
    /// The time from one resolution of the host to the next.
    pub resolve_interval: Duration,
    /// The age at which connections are replaced, ± 10 %.
    pub connection_age: Duration,
}

/// The limits of batches and of the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatcherSettings {
    /// Concurrent calls.
    pub calls_max: usize,
    /// Purchases per call.
    pub batch_max: usize,
    /// Bytes of the body of a call.
    pub bytes_max: usize,
    /// Purchases waiting for a call.
    pub queue_max: usize,
}

/// When the circuit breaker opens, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BreakerSettings {
    /// Consecutive failures that open it.
    pub failures: u32,
    /// The time it stays open, ± 25 %, so that clients do not return in step.
    pub open: Duration,
}
