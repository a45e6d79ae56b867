//! The id of a request.

use std::time::{SystemTime, UNIX_EPOCH};

use http::HeaderValue;
use uuid::{Builder, fmt::Hyphenated};

/// Longest id accepted from a caller, bytes.
const ID_MAX_BYTES: usize = 128;

/// Visible ASCII without quotes and backslashes, so that it stands in JSON as it is.
#[derive(Debug, Clone)]
pub enum Id {
    /// One of our own, where it is cheap to copy.
    Made([u8; Hyphenated::LENGTH]),
    /// The caller's.
    Given(HeaderValue),
}

impl Id {
    /// A UUID version 7: unique, and sorted by time in logs.
    pub fn make() -> Self {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let millis = u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX);
        let uuid = Builder::from_unix_timestamp_millis(millis, &rand::random()).into_uuid();
        let mut text = [0; Hyphenated::LENGTH];
        uuid.hyphenated().encode_lower(&mut text);
        Self::Made(text)
    }

    /// The caller's, if it is acceptable.
    pub fn accept(given: &HeaderValue) -> Option<Self> {
        let id = given.as_bytes();
        let acceptable = (1..=ID_MAX_BYTES).contains(&id.len())
            && id.iter().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\'));
        acceptable.then(|| Self::Given(given.clone()))
    }

    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Made(text) => text,
            Self::Given(value) => value.as_bytes(),
        }
    }

    pub fn as_str(&self) -> &str {
        std::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    /// To be sent.
    pub fn header(&self) -> HeaderValue {
        match self {
            Self::Made(text) => HeaderValue::from_bytes(text).expect("a UUID is visible ASCII"),
            Self::Given(value) => value.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_acceptable_ids_are_accepted() {
        let long = "x".repeat(ID_MAX_BYTES + 1);
        for (given, accepted) in [
            ("abc-123", true),
            ("", false),
            ("a b", false),
            ("a\"b", false),
            ("a\\b", false),
            (long.as_str(), false),
            (&long[1..], true),
        ] {
            let id = Id::accept(&HeaderValue::from_str(given).expect("a header value"));
            assert_eq!(id.as_ref().map(Id::as_str), accepted.then_some(given));
        }
    }

    #[test]
    fn made_ids_differ_and_are_version_7() {
        let (first, second) = (Id::make(), Id::make());
        assert_ne!(first.as_str(), second.as_str());
        assert_eq!(first.header(), first.as_str());
        assert_eq!(uuid::Uuid::parse_str(first.as_str()).expect("a UUID").get_version_num(), 7);
    }
}
