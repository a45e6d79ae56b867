//! Settings of requests.

use std::time::Duration;

use clap::Args;
use config::accept::{parsed, range, seconds};
use http::Method;

use super::{CorsOrigins, QuotaSettings};
use crate::health::is_ready_path;

/// Limits and deadlines of requests.
#[derive(Debug, Clone, Args)]
pub struct RequestSettings {
    /// Requests handled at once; above it 503, probes excepted. A tenth is reserved for requests
    /// that finish a hold.
    #[arg(
        env = "MAX_REQUESTS_IN_FLIGHT",
        default_value = "10000",
        value_parser = range(1..=1_000_000_usize).unit("requests")
    )]
    pub max_in_flight: usize,
    /// Requests whose body is not there 0.1 s after the head, at once; above it 503. At most half
    /// of MAX_REQUESTS_IN_FLIGHT counts, so that slow bodies cannot occupy every request.
    #[arg(
        env = "MAX_SLOW_BODIES",
        default_value = "1000",
        value_parser = range(1..=1_000_000_usize).unit("requests")
    )]
    pub max_slow_bodies: usize,
    /// Largest request body; above it 413.
    #[arg(
        env = "MAX_BODY_BYTES",
        default_value = "65536",
        value_parser = range(1..=1_073_741_824_usize).unit("bytes")
    )]
    pub max_body_bytes: usize,
    /// Time for the body of a request to arrive; above it 408.
    #[arg(env = "BODY_TIMEOUT_S", default_value = "10", value_parser = seconds(0.05..=3_600.0))]
    pub body_timeout: Duration,
    /// Time for the response once the request has arrived; above it 503.
    #[arg(env = "REQUEST_TIMEOUT_S", default_value = "10", value_parser = seconds(0.05..=3_600.0))]
    pub request_timeout: Duration,
    /// Origins that browsers may call from.
    #[arg(
        env = "CORS_ALLOW_ORIGINS",
        default_value = "*",
        value_parser = parsed::<CorsOrigins>(
            "* alone, or origins as browsers send them, separated by commas: scheme://host[:port] in \
             lower case, without a path, a usual port or a wildcard"
        )
    )]
    pub cors_allow_origins: CorsOrigins,
    /// The quota of each client.
    #[command(flatten)]
    pub quota: QuotaSettings,
    /// Whether a request, by method and route, finishes earlier work. Such requests may use the
    /// reserved tenth of `max_in_flight`.
    #[arg(skip = never_urgent as fn(&Method, &str) -> bool)]
    pub is_urgent: fn(&Method, &str) -> bool,
    /// The most ticket services that a request may have passed, if this is one; above it 508. A
    /// readiness probe of another one is a loop in any case.
    #[arg(skip)]
    pub hops_max: Option<u32>,
}

/// Whether a request may use the reserve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Priority {
    Normal,
    Urgent,
}

impl Default for RequestSettings {
    fn default() -> Self {
        config::defaults()
    }
}

impl RequestSettings {
    /// Maximum number of requests in flight at which one more of `priority` is handled.
    pub(super) fn in_flight_max(&self, priority: Priority) -> usize {
        match priority {
            Priority::Urgent => self.max_in_flight,
            Priority::Normal => self.max_in_flight - self.max_in_flight / 10,
        }
    }

    /// Whether a request that has passed `hops` ticket services goes in a circle.
    pub(super) fn is_loop(&self, hops: u32, path: &str) -> bool {
        self.hops_max.is_some_and(|max| hops > max || (hops > 0 && is_ready_path(path)))
    }

    /// Maximum number of slow bodies at once.
    pub(super) fn slow_bodies(&self) -> usize {
        self.max_slow_bodies.min(self.max_in_flight.div_ceil(2))
    }
}

fn never_urgent(_: &Method, _: &str) -> bool {
    false
}
