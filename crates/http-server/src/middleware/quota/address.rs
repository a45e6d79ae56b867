//! A quota of one kind of call for each address.

use std::num::NonZeroU32;

use governor::{
    Quota, RateLimiter,
    clock::{Clock, DefaultClock},
    middleware::NoOpMiddleware,
};
use http::HeaderMap;

use super::{
    client::{self, ClientKey},
    proxies::Peer,
    rate_limited,
    settings::{ClientIdentity, QuotaSettings},
    store::BoundedStore,
};
use crate::problem::Problem;

/// A quota of one kind of call for each client address; of IPv6 for each /64.
pub struct AddressQuota {
    settings: QuotaSettings,
    limiter: RateLimiter<ClientKey, BoundedStore, DefaultClock, NoOpMiddleware>,
    clock: DefaultClock,
}

impl AddressQuota {
    /// `per_min` calls a minute in the long run, and as many at once. The clients counted and the
    /// proxies trusted are those of `settings`.
    #[must_use]
    pub fn new(per_min: NonZeroU32, settings: &QuotaSettings) -> Self {
        let settings = QuotaSettings { identify_by: ClientIdentity::Address, ..settings.clone() };
        let (quota, clock) = (Quota::per_minute(per_min), DefaultClock::default());
        let store = BoundedStore::new(settings.clients_max);
        Self { settings, limiter: RateLimiter::new(quota, store, clock.clone()), clock }
    }

    /// Takes `calls` from the quota of the client's address. A trusted proxy has none.
    ///
    /// # Errors
    /// A 429 problem.
    pub fn take(
        &self,
        headers: &HeaderMap,
        peer: Option<Peer>,
        calls: NonZeroU32,
    ) -> Result<(), Problem> {
        const NEVER_S: u32 = 60;
        let Some(client) = client::of(headers, peer, &self.settings) else { return Ok(()) };
        match self.limiter.check_key_n(&client, calls) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(until)) => {
                let wait = until.wait_time_from(self.clock.now());
                let wait_s = u32::try_from(wait.as_secs()).unwrap_or(u32::MAX);
                Err(rate_limited(wait_s.saturating_add(1)))
            }
            // More than the whole quota.
            Err(_) => Err(rate_limited(NEVER_S)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_address_has_its_own_quota() {
        let quota = AddressQuota::new(NonZeroU32::new(2).unwrap(), &QuotaSettings::default());
        let headers = HeaderMap::new();
        let peer = |last| Some(Peer([10, 0, 0, last].into()));
        let one = NonZeroU32::MIN;
        let take = |peer| quota.take(&headers, peer, one);
        assert!(take(peer(1)).is_ok() && take(peer(1)).is_ok());
        let problem = take(peer(1)).expect_err("over the quota");
        assert_eq!((problem.status().as_u16(), problem.code()), (429, "rate_limited"));
        assert!(take(peer(2)).is_ok(), "another address has its own");
        let three = NonZeroU32::new(3).unwrap();
        assert!(quota.take(&headers, peer(3), three).is_err(), "more than the whole quota");
        let mut token = HeaderMap::new();
        token.insert(http::header::AUTHORIZATION, http::HeaderValue::from_static("Bearer abc"));
        assert!(quota.take(&token, peer(1), one).is_err(), "a token is no other client");
    }
}
