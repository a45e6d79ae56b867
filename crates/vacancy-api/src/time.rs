//! Times: RFC 3339 in UTC outside, milliseconds inside.

use inventory::TimeMs;
use serde::{Deserialize, Deserializer, de::Error};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// 9999-12-31T23:59:59.999Z, the last moment that RFC 3339 can write.
const MAX_MS: TimeMs = 253_402_300_799_999;

/// `at_ms` as text, such as `2026-07-01T18:00:00.25Z`.
///
/// # Panics
/// Never: the time is in the range of the format.
#[must_use]
pub fn rfc3339(at_ms: TimeMs) -> String {
    let nanoseconds = i128::from(at_ms.min(MAX_MS)) * 1_000_000;
    let at = OffsetDateTime::from_unix_timestamp_nanos(nanoseconds).ok();
    match at.and_then(|at| at.format(&Rfc3339).ok()) {
        Some(text) => text,
        None => unreachable!("a time up to the year 9999 has a text"),
    }
}

/// A time of a request, in milliseconds: RFC 3339 with its offset, from 1970 to 9999.
pub(crate) fn optional<'de, D: Deserializer<'de>>(from: D) -> Result<Option<TimeMs>, D::Error> {
    let Some(text) = Option::<String>::deserialize(from)? else { return Ok(None) };
    // The parser accepts other separators too.
    let has_t = text.as_bytes().get(10).is_some_and(|byte| byte.eq_ignore_ascii_case(&b't'));
    let time = OffsetDateTime::parse(&text, &Rfc3339).ok().filter(|_| has_t).ok_or_else(|| {
        D::Error::custom("must be an RFC 3339 time with its offset, such as 2026-01-01T09:00:00Z")
    })?;
    let at_ms = TimeMs::try_from(time.unix_timestamp_nanos().div_euclid(1_000_000));
    at_ms.ok().filter(|at_ms| *at_ms <= MAX_MS).map(Some).ok_or_else(|| {
        D::Error::custom("must be between 1970-01-01T00:00:00Z and 9999-12-31T23:59:59Z")
    })
}

/// A time that a member must have.
pub(crate) mod required {
    use inventory::TimeMs;
    use serde::{Deserializer, Serializer, de::Error};

    pub(crate) fn serialize<S: Serializer>(at_ms: &TimeMs, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&super::rfc3339(*at_ms))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<TimeMs, D::Error> {
        super::optional(from)?.ok_or_else(|| D::Error::custom("must be a time"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<String, String> {
        let read = optional(serde_json::json!(text)).map_err(|error| error.to_string())?;
        Ok(rfc3339(read.expect("a time")))
    }

    #[test]
    fn there_and_back() {
        assert_eq!(rfc3339(1_700_000_000_250), "2023-11-14T22:13:20.25Z");
        assert_eq!(rfc3339(u64::MAX), "9999-12-31T23:59:59.999Z");
        for (text, again) in [
            ("2023-11-14T23:13:20.25+01:00", "2023-11-14T22:13:20.25Z"),
            ("2023-11-14t22:13:20z", "2023-11-14T22:13:20Z"),
            ("2023-11-14T22:13:20.123456789-00:00", "2023-11-14T22:13:20.123Z"),
            ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z"),
            ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z"),
            ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999Z"),
            ("2024-02-29T00:00:00+23:59", "2024-02-28T00:01:00Z"),
            // A leap second has no number of its own: it is the end of the second before.
            ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59.999Z"),
            ("2017-01-01T00:59:60+01:00", "2016-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(read(text).as_deref(), Ok(again), "{text}");
        }
        assert_eq!(optional(serde_json::Value::Null).ok(), Some(None));
    }

    #[test]
    fn other_forms_are_refused_in_plain_words() {
        for text in [
            "",
            "tomorrow",
            "2026-01-01",
            "2026-01-01T09:00:00",
            "2026-01-01T09:00Z",
            "2026-01-01 09:00:00Z",
            "2026-01-01T09:00:00+0100",
            "2026-01-01T09:00:00+01",
            "2026-01-01T09:00:00+24:00",
            "2026-01-01T09:00:00Z[UTC]",
            "2026-01-01T09:00:00,5Z",
            "2026-01-01T09:00:00.Z",
            "20260101T090000Z",
            "2026-W01-1T09:00:00Z",
            "2026-02-29T09:00:00Z",
            "2026-01-01T24:00:00Z",
            "2026-01-01T09:00:60Z",
            "2026-06-15T23:59:60Z",
            "+002026-01-01T09:00:00Z",
            "10000-01-01T00:00:00Z",
            " 2026-01-01T09:00:00Z",
            "1767258000",
        ] {
            let error = read(text).expect_err(text);
            assert!(error.starts_with("must be an RFC 3339 time"), "{text}: {error}");
        }
        for text in [
            "0000-01-01T00:00:00Z",
            "1969-12-31T23:59:59.999Z",
            "1970-01-01T00:00:00+00:01",
            "9999-12-31T23:59:59-00:01",
        ] {
            let error = read(text).expect_err(text);
            assert!(error.starts_with("must be between 1970-01-01T00:00:00Z"), "{text}: {error}");
        }
    }
}
