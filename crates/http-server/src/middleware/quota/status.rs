//! `RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers-10).

use std::time::Duration;

use governor::Quota;
use http::{HeaderMap, HeaderName, HeaderValue};

const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// The quota of a client and its remainder.
#[derive(Debug, Clone, Copy)]
pub struct RateLimitStatus {
    burst: u32,
    window_s: u32,
    left: u32,
    wait: Duration,
}

impl RateLimitStatus {
    /// `left` requests of `quota`; with none left, `wait` until the next.
    pub fn new(quota: &Quota, left: u32, wait: Duration) -> Self {
        let window_s = quota.burst_size_replenished_in().as_secs_f64().ceil() as u32;
        Self { burst: quota.burst_size().get(), window_s, left, wait }
    }

    /// Whole seconds until the next request is within the quota, at least 1.
    pub fn reset_s(self) -> u32 {
        u32::try_from(self.wait.as_secs_f64().ceil() as u64).unwrap_or(u32::MAX).max(1)
    }

    #[cfg(test)]
    pub fn left(self) -> u32 {
        self.left
    }

    /// Adds the headers to a response.
    pub fn put_on(self, headers: &mut HeaderMap) {
        let policy = format!("\"default\";q={};w={}", self.burst, self.window_s);
        let limit = format!("\"default\";r={};t={}", self.left, self.reset_s());
        for (name, text) in [(POLICY, policy), (RATE_LIMIT, limit)] {
            if let Ok(value) = HeaderValue::try_from(text) {
                headers.insert(name, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;

    #[test]
    fn the_headers_name_the_quota_and_the_remainder() {
        let number = |n| NonZeroU32::new(n).unwrap();
        let quota = Quota::per_second(number(50)).allow_burst(number(125));
        let mut headers = HeaderMap::new();
        RateLimitStatus::new(&quota, 7, Duration::from_millis(1_001)).put_on(&mut headers);
        assert_eq!(
            (headers[POLICY].as_bytes(), headers[RATE_LIMIT].as_bytes()),
            (&b"\"default\";q=125;w=3"[..], &b"\"default\";r=7;t=2"[..])
        );
    }
}
