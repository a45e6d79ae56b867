//! Settings of quotas.

use std::num::NonZeroU32;

use clap::{Args, ValueEnum};
use config::accept::{Accept, parsed, range};

use super::proxies::TrustedProxies;

/// The quota of each client.
#[derive(Debug, Clone, Args)]
pub struct QuotaSettings {
    /// Requests a second of one client in the long run; above it 429, probes excepted.
    #[arg(
        env = "RATE_LIMIT_PER_SECOND",
        value_parser = requests("1 to 1000000 requests; unset, there is no limit")
    )]
    pub rate_per_s: Option<NonZeroU32>,
    /// Requests of one client at once.
    #[arg(
        env = "RATE_LIMIT_BURST",
        value_parser = requests("1 to 1000000 requests; unset, twice RATE_LIMIT_PER_SECOND")
    )]
    pub burst: Option<NonZeroU32>,
    /// Clients that are counted separately; above it the clients with the fewest requests are
    /// forgotten first.
    #[arg(
        env = "RATE_LIMIT_CLIENTS_MAX",
        default_value = "100000",
        value_parser = range(1..=10_000_000_usize).unit("clients")
    )]
    pub clients_max: usize,
    /// Identity of a client: its address (of IPv6 the /64), or its bearer token if it sends one.
    /// Choose token only behind a gateway that checks tokens.
    #[arg(env = "RATE_LIMIT_BY", default_value = "address", value_enum)]
    pub identify_by: ClientIdentity,
    /// Proxies that may name the client in X-Forwarded-For; their own requests have no limit.
    #[arg(
        env = "TRUSTED_PROXIES",
        value_parser = parsed::<TrustedProxies>(
            "addresses or networks such as 10.0.0.0/8, separated by commas"
        )
    )]
    pub trusted_proxies: Option<TrustedProxies>,
}

/// The identity of a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ClientIdentity {
    /// Its address.
    Address,
    /// Its bearer token, or its address without one.
    Token,
}

impl QuotaSettings {
    /// Whether clients have a quota.
    #[must_use]
    pub fn is_limited(&self) -> bool {
        self.rate_per_s.is_some()
    }
}

impl Default for QuotaSettings {
    fn default() -> Self {
        config::defaults()
    }
}

fn requests(words: &'static str) -> Accept<NonZeroU32> {
    const REQUESTS_MAX: u32 = 1_000_000;
    Accept::new(words, |text| {
        text.parse().ok().filter(|requests: &NonZeroU32| requests.get() <= REQUESTS_MAX)
    })
}
