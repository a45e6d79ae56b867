//! How much each client may ask for: a steady rate and a burst above it (GCRA), per client address
//! or bearer token.

mod client;
mod headers;
mod store;

use std::{num::NonZeroU32, time::Duration};

use client::ClientKey;
pub use client::{Peer, TrustedProxies};
use governor::{
    Quota, RateLimiter,
    clock::{Clock, DefaultClock},
    middleware::StateInformationMiddleware,
};
pub(super) use headers::Standing;
use http::HeaderMap;
use store::BoundedStore;

use crate::problem::Problem;

/// The quota of each client.
#[derive(Debug, Clone)]
pub struct QuotaSettings {
    /// Requests a second, in the long run.
    pub rate_per_s: NonZeroU32,
    /// Requests at once.
    pub burst: NonZeroU32,
    /// Clients that are told apart; beyond it those that used least are forgotten first.
    pub clients_max: usize,
    /// Who may say in `X-Forwarded-For` for whom they ask.
    pub trusted: TrustedProxies,
    /// Whether a bearer token, where there is one, stands for its client instead of the address.
    pub by_token: bool,
}

/// The quotas of one server.
pub(super) struct Quotas {
    settings: QuotaSettings,
    limiter: RateLimiter<ClientKey, BoundedStore, DefaultClock, StateInformationMiddleware>,
    clock: DefaultClock,
}

impl Quotas {
    pub fn new(settings: QuotaSettings) -> Self {
        let quota = Quota::per_second(settings.rate_per_s).allow_burst(settings.burst);
        let store = BoundedStore::new(settings.clients_max);
        let clock = DefaultClock::default();
        let limiter = RateLimiter::new(quota, store, clock.clone());
        Self { settings, limiter, clock }
    }

    /// Takes one request from its client's quota; `None` for who has none: a trusted proxy that
    /// asks for itself.
    ///
    /// # Errors
    /// A 429 problem and what is left, nothing.
    pub fn take(
        &self,
        headers: &HeaderMap,
        peer: Option<Peer>,
    ) -> Result<Option<Standing>, (Problem, Standing)> {
        let Some(client) = client::of(headers, peer, &self.settings) else { return Ok(None) };
        let (rate, burst) = (self.settings.rate_per_s, self.settings.burst);
        match self.limiter.check_key(&client) {
            Ok(state) => Ok(Some(Standing::new(
                rate,
                burst,
                state.remaining_burst_capacity(),
                Duration::ZERO,
            ))),
            Err(until) => {
                let standing =
                    Standing::new(rate, burst, 0, until.wait_time_from(self.clock.now()));
                Err((rate_limited(standing.reset_s()), standing))
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
    use http::HeaderValue;

    use super::*;

    #[test]
    fn each_client_has_a_burst_and_then_waits() {
        let number = |n| NonZeroU32::new(n).unwrap();
        let settings = QuotaSettings {
            rate_per_s: number(1),
            burst: number(3),
            clients_max: 100,
            trusted: TrustedProxies::default(),
            by_token: true,
        };
        let quotas = Quotas::new(settings);
        let (none, peer) = (HeaderMap::new(), |last| Some(Peer([10, 0, 0, last].into())));
        for left in [2, 1, 0] {
            let standing = quotas.take(&none, peer(1)).unwrap().unwrap();
            assert_eq!(standing.left(), left);
        }
        let (problem, standing) = quotas.take(&none, peer(1)).unwrap_err();
        assert_eq!(
            (problem.status().as_u16(), problem.code(), standing.left(), standing.reset_s()),
            (429, "rate_limited", 0, 1)
        );
        assert!(quotas.take(&none, peer(2)).is_ok(), "another client has its own");
        let mut token = HeaderMap::new();
        token.insert(http::header::AUTHORIZATION, HeaderValue::from_static("Bearer abc"));
        assert!(quotas.take(&token, peer(1)).is_ok(), "and so has a token");
    }
}
