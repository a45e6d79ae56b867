//! The header `X-Request-Timeout-Ms`.

use std::time::Duration;

use axum::extract::FromRequestParts;
use http::{HeaderMap, HeaderName, request::Parts};
use tokio::time::Instant;

use crate::problem::Problem;

/// The deadline of the caller, from the header `X-Request-Timeout-Ms`: a whole number of
/// milliseconds from the arrival of the request. The service drops a request past this deadline.
/// Rejects with 400 when the header is malformed or repeated.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CallerDeadline(pub Option<Instant>);

impl CallerDeadline {
    /// Name of the header.
    pub const HEADER: HeaderName = HeaderName::from_static("x-request-timeout-ms");

    /// Reads the header of a request that has arrived at `now`.
    ///
    /// # Errors
    /// A 400 problem when the header is malformed or repeated.
    pub fn from_headers(headers: &HeaderMap, now: Instant) -> Result<Self, Problem> {
        let mut values = headers.get_all(Self::HEADER).iter();
        let Some(value) = values.next() else { return Ok(Self(None)) };
        let digits = value.to_str().ok().filter(|text| {
            values.next().is_none() && text.bytes().all(|byte| byte.is_ascii_digit())
        });
        let timeout_ms: Option<u64> = digits.and_then(|digits| digits.parse().ok());
        let malformed = || {
            Problem::bad_request(
                "The header X-Request-Timeout-Ms is not accepted: it must be a whole number of milliseconds.",
            )
        };
        // Beyond the range of the clock there is no deadline.
        timeout_ms
            .map(|timeout_ms| Self(now.checked_add(Duration::from_millis(timeout_ms))))
            .ok_or_else(malformed)
    }

    /// The earlier of this and `timeout` from `now` on.
    #[must_use]
    pub fn within(self, now: Instant, timeout: Option<Duration>) -> Self {
        let other = timeout.and_then(|timeout| now.checked_add(timeout));
        Self(self.0.into_iter().chain(other).min())
    }

    /// The earlier of this and `own`.
    #[must_use]
    pub fn or_before(self, own: Instant) -> Instant {
        self.0.map_or(own, |deadline| deadline.min(own))
    }
}

impl<S: Sync> FromRequestParts<S> for CallerDeadline {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Self::from_headers(&parts.headers, Instant::now())
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn parse(values: &[&'static str]) -> Result<Option<Duration>, u16> {
        let (mut headers, now) = (HeaderMap::new(), Instant::now());
        for value in values {
            headers.append(CallerDeadline::HEADER, HeaderValue::from_static(value));
        }
        let deadline = CallerDeadline::from_headers(&headers, now);
        deadline
            .map(|deadline| deadline.0.map(|at| at - now))
            .map_err(|problem| problem.status().as_u16())
    }

    #[test]
    fn milliseconds_from_now_on() {
        assert_eq!(parse(&[]), Ok(None));
        assert_eq!(parse(&["0"]), Ok(Some(Duration::ZERO)));
        assert_eq!(parse(&["1500"]), Ok(Some(Duration::from_millis(1_500))));
        for malformed in
            [&[""][..], &["-1"], &["+1"], &["1.5"], &["1s"], &["18446744073709551616"], &["1", "1"]]
        {
            assert_eq!(parse(malformed), Err(400), "{malformed:?}");
        }
    }

    #[test]
    fn it_only_ever_shortens() {
        let now = Instant::now();
        let own = now + Duration::from_secs(10);
        assert_eq!(CallerDeadline(None).or_before(own), own);
        assert_eq!(CallerDeadline(Some(own + Duration::from_secs(1))).or_before(own), own);
        assert_eq!(CallerDeadline(Some(now)).or_before(own), now);
        assert_eq!(CallerDeadline(None).within(now, None), CallerDeadline(None));
        assert_eq!(
            CallerDeadline(Some(own)).within(now, Some(Duration::from_secs(1))).0,
            Some(now + Duration::from_secs(1))
        );
        assert_eq!(CallerDeadline(Some(now)).within(now, Some(Duration::MAX)).0, Some(now));
    }
}
