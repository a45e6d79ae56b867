//! Times: RFC 3339 in UTC outside, milliseconds inside.

use inventory::TimeMs;
use jiff::Timestamp;

/// `at_ms` as text, such as `2026-07-01T18:00:00.25Z`.
#[must_use]
pub fn rfc3339(at_ms: TimeMs) -> String {
    let at = i64::try_from(at_ms).ok().and_then(|at_ms| Timestamp::from_millisecond(at_ms).ok());
    at.unwrap_or(Timestamp::MAX).to_string()
}

/// `time` in milliseconds; `None` before 1970.
#[must_use]
pub fn to_ms(time: Timestamp) -> Option<TimeMs> {
    TimeMs::try_from(time.as_millisecond()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        assert_eq!(rfc3339(1_700_000_000_250), "2023-11-14T22:13:20.25Z");
        assert_eq!(to_ms("2023-11-14T23:13:20.25+01:00".parse().unwrap()), Some(1_700_000_000_250));
        assert_eq!(to_ms("1969-12-31T23:59:59Z".parse().unwrap()), None);
        assert!(rfc3339(u64::MAX).starts_with("9999-12-"));
    }
}
