use std::time::Duration;

use super::{BreakerSettings, GatherSettings};

/// The link from ticket to vacancy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VacancyLink {
    /// VACANCY_URL, without a slash at its end.
    pub url: String,
    /// VACANCY_TIMEOUT
    pub timeout: Duration,
    /// HTTP_KEEPALIVE_CONNECTIONS
    pub keepalive_max: usize,
    /// VACANCY_CALLS (HTTP_MAX_CONNECTIONS if that is less), VACANCY_BATCH_MAX, MAX_BODY_BYTES,
    /// VACANCY_QUEUE_MAX
    pub gather: GatherSettings,
    /// VACANCY_RETRIES
    pub retries_max: u32,
    /// BREAKER_FAILURES, BREAKER_OPEN_S
    pub breaker: BreakerSettings,
}
