//! Quotas of clients: a steady rate and a burst above it (GCRA), per client address or bearer
//! token.

mod address;
mod client;
mod proxies;
mod settings;
mod status;
mod store;

use std::time::Duration;

pub use address::AddressQuota;
use client::ClientKey;
use governor::{
    Quota, RateLimiter,
    clock::{Clock, DefaultClock},
    middleware::StateInformationMiddleware,
};
use http::HeaderMap;
pub use proxies::{Peer, TrustedProxies};
pub use settings::{ClientIdentity, QuotaSettings};
pub(super) use status::RateLimitStatus;
use store::BoundedStore;

use crate::problem::Problem;

/// The quotas of one server.
pub(super) struct Quotas {
    settings: QuotaSettings,
    limiter: RateLimiter<ClientKey, BoundedStore, DefaultClock, StateInformationMiddleware>,
    quota: Quota,
    clock: DefaultClock,
}

/// The decision about one request.
pub(super) enum QuotaDecision {
    /// The request has no quota: a trusted proxy sends it for itself.
    Unlimited,
    /// The request is within the quota of its client.
    Within(RateLimitStatus),
    /// The client is over its quota.
    Over(Problem, RateLimitStatus),
}

impl Quotas {
    /// The quotas that `settings` ask for, if any.
    pub fn new(settings: QuotaSettings) -> Option<Self> {
        let rate_per_s = settings.rate_per_s?;
        let burst = settings.burst.unwrap_or(rate_per_s.saturating_add(rate_per_s.get()));
        let quota = Quota::per_second(rate_per_s).allow_burst(burst);
        let store = BoundedStore::new(settings.clients_max);
        let clock = DefaultClock::default();
        let limiter = RateLimiter::new(quota, store, clock.clone());
        Some(Self { settings, limiter, quota, clock })
    }

    /// Takes one request from the quota of its client.
    pub fn take(&self, headers: &HeaderMap, peer: Option<Peer>) -> QuotaDecision {
        let Some(client) = client::of(headers, peer, &self.settings) else {
            return QuotaDecision::Unlimited;
        };
        let status = |left, wait| RateLimitStatus::new(&self.quota, left, wait);
        match self.limiter.check_key(&client) {
            Ok(state) => {
                QuotaDecision::Within(status(state.remaining_burst_capacity(), Duration::ZERO))
            }
            Err(until) => {
                let status = status(0, until.wait_time_from(self.clock.now()));
                QuotaDecision::Over(rate_limited(status.reset_s()), status)
            }
        }
    }
}

fn rate_limited(retry_after_s: u32) -> Problem {
    let detail = "Too many requests from this client; see the RateLimit headers. Nothing was done.";
    Problem::new(http::StatusCode::TOO_MANY_REQUESTS, "rate_limited", "Rate limited", detail)
        .retry_after_about_s(retry_after_s)
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use http::HeaderValue;

    use super::*;

    #[test]
    fn each_client_has_a_burst_and_then_waits() {
        let settings = QuotaSettings {
            rate_per_s: Some(NonZeroU32::MIN),
            burst: NonZeroU32::new(3),
            clients_max: 100,
            identify_by: ClientIdentity::Token,
            trusted_proxies: None,
        };
        let quotas = Quotas::new(settings).unwrap();
        let (none, peer) = (HeaderMap::new(), |last| Some(Peer([10, 0, 0, last].into())));
        for left in [2, 1, 0] {
            let QuotaDecision::Within(status) = quotas.take(&none, peer(1)) else {
                panic!("{left} more are within the quota");
            };
            assert_eq!(status.left(), left);
        }
        let QuotaDecision::Over(problem, status) = quotas.take(&none, peer(1)) else {
            panic!("over the quota");
        };
        assert_eq!(
            (problem.status().as_u16(), problem.code(), status.left(), status.reset_s()),
            (429, "rate_limited", 0, 1)
        );
        let is_within = |decision| matches!(decision, QuotaDecision::Within(_));
        assert!(is_within(quotas.take(&none, peer(2))), "another client has its own");
        let mut token = HeaderMap::new();
        token.insert(http::header::AUTHORIZATION, HeaderValue::from_static("Bearer abc"));
        assert!(is_within(quotas.take(&token, peer(1))), "and so has a token");
    }

    #[test]
    fn without_a_rate_there_are_no_quotas() {
        assert!(Quotas::new(config::defaults()).is_none());
    }
}
