//! Ids of requests.

use std::time::{SystemTime, UNIX_EPOCH};

use http::HeaderValue;
use uuid::{Builder, fmt::Hyphenated};

/// Longest id accepted from a caller, bytes.
const ID_MAX_BYTES: usize = 128;

/// The id of a request: visible ASCII without quotes and backslashes, so that it needs no escapes
/// in JSON.
#[derive(Debug, Clone)]
pub enum RequestId {
    /// Generated here.
    Generated([u8; Hyphenated::LENGTH]),
    /// The caller's.
    Given(HeaderValue),
}

impl RequestId {
    /// A UUID version 7: unique, and sorted by time in logs.
    #[must_use]
    pub fn generate() -> Self {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let millis = u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX);
        let uuid = Builder::from_unix_timestamp_millis(millis, &rand::random()).into_uuid();
        let mut text = [0; Hyphenated::LENGTH];
        uuid.hyphenated().encode_lower(&mut text);
        Self::Generated(text)
    }

    /// The caller's id, if it is acceptable.
    #[must_use]
    pub fn accept(given: &HeaderValue) -> Option<Self> {
        let id = given.as_bytes();
        let acceptable = (1..=ID_MAX_BYTES).contains(&id.len())
            && id.iter().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\'));
        acceptable.then(|| Self::Given(given.clone()))
    }

    /// The id as bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Generated(text) => text,
            Self::Given(value) => value.as_bytes(),
        }
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    /// The id as a header value.
    ///
    /// # Panics
    /// Never: a UUID is visible ASCII.
    #[must_use]
    pub fn header(&self) -> HeaderValue {
        match self {
            Self::Generated(text) => {
                HeaderValue::from_bytes(text).expect("a UUID is visible ASCII")
            }
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
            let id = RequestId::accept(&HeaderValue::from_str(given).expect("a header value"));
            assert_eq!(id.as_ref().map(RequestId::as_str), accepted.then_some(given));
        }
    }

    #[test]
    fn generated_ids_differ_and_are_version_7() {
        let (first, second) = (RequestId::generate(), RequestId::generate());
        assert_ne!(first.as_str(), second.as_str());
        assert_eq!(first.header(), first.as_str());
        assert_eq!(uuid::Uuid::parse_str(first.as_str()).expect("a UUID").get_version_num(), 7);
    }
}
