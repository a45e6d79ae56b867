use std::time::Duration;

use http::Method;

use super::QuotaSettings;
use crate::middleware::CorsOrigins;

/// Limits and deadlines of requests.
#[derive(Debug, Clone)]
pub struct RequestSettings {
    /// Requests handled at once; above it 503, probes excepted.
    pub max_in_flight: usize,
    /// Bodies that are slow to arrive at once; above it 503. Never more than half of
    /// `max_in_flight`, so that whoever sends nothing but heads cannot take all of it.
    pub max_slow_bodies: usize,
    /// Largest body; above it 413.
    pub max_body_bytes: usize,
    /// Time for the body to arrive; above it 408.
    pub body_timeout: Duration,
    /// Time for the answer once the body has arrived; above it 503.
    pub request_timeout: Duration,
    /// Which origins browsers may call from.
    pub cors_allow_origins: CorsOrigins,
    /// What each client may ask for; `None`: as much as there is room for.
    pub quota: Option<QuotaSettings>,
    /// Whether a request, by method and route, finishes what was begun before. A tenth of
    /// `max_in_flight` is kept for those.
    pub is_urgent: fn(&Method, &str) -> bool,
}

impl Default for RequestSettings {
    fn default() -> Self {
        Self {
            max_in_flight: 10_000,
            max_slow_bodies: 1_000,
            max_body_bytes: 65_536,
            body_timeout: Duration::from_secs(10),
            request_timeout: Duration::from_secs(10),
            cors_allow_origins: CorsOrigins::Any,
            quota: None,
            is_urgent: |_, _| false,
        }
    }
}

impl RequestSettings {
    /// How many requests may be in flight for one more to be handled.
    pub(super) fn in_flight_max(&self, urgent: bool) -> usize {
        if urgent { self.max_in_flight } else { self.max_in_flight - self.max_in_flight / 10 }
    }

    /// How many bodies may be slow at once.
    pub(super) fn slow_bodies(&self) -> usize {
        self.max_slow_bodies.min(self.max_in_flight.div_ceil(2))
    }
}
