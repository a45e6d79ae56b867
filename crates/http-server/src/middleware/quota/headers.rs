//! `RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers-10).

use std::{num::NonZeroU32, time::Duration};

use http::{HeaderMap, HeaderName, HeaderValue};

const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// What a client has left.
#[derive(Debug, Clone, Copy)]
pub struct Standing {
    rate_per_s: NonZeroU32,
    burst: NonZeroU32,
    left: u32,
    wait: Duration,
}

impl Standing {
    /// `left` of `burst`; with none left, `wait` until the next.
    pub fn new(rate_per_s: NonZeroU32, burst: NonZeroU32, left: u32, wait: Duration) -> Self {
        Self { rate_per_s, burst, left, wait }
    }

    /// Whole seconds until there is one more, at least 1.
    pub fn reset_s(self) -> u32 {
        u32::try_from(self.wait.as_secs_f64().ceil() as u64).unwrap_or(u32::MAX).max(1)
    }

    #[cfg(test)]
    pub fn left(self) -> u32 {
        self.left
    }

    /// Puts it on an answer.
    pub fn put_on(self, headers: &mut HeaderMap) {
        let window_s = self.burst.get().div_ceil(self.rate_per_s.get());
        let policy = format!("\"default\";q={};w={window_s}", self.burst);
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
    use super::*;

    #[test]
    fn they_say_the_quota_and_what_is_left() {
        let number = |n| NonZeroU32::new(n).unwrap();
        let mut headers = HeaderMap::new();
        Standing::new(number(50), number(125), 7, Duration::from_millis(1_001))
            .put_on(&mut headers);
        assert_eq!(
            (headers[POLICY].as_bytes(), headers[RATE_LIMIT].as_bytes()),
            (&b"\"default\";q=125;w=3"[..], &b"\"default\";r=7;t=2"[..])
        );
    }
}
