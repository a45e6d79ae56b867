//! Request ids and trace context.

use std::{
    convert::Infallible,
    time::{SystemTime, UNIX_EPOCH},
};

use axum::extract::FromRequestParts;
use http::{HeaderMap, HeaderName, HeaderValue, request::Parts};
use uuid::Builder;

/// Name of the header that identifies a request, in and out.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Name of the W3C trace context header, in and out.
pub const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// Longest id accepted from a caller, bytes.
const ID_MAX_BYTES: usize = 128;

/// The id of the request being handled, to pass on to other services.
#[derive(Debug, Clone)]
pub struct RequestId(pub Option<HeaderValue>);

impl<S: Sync> FromRequestParts<S> for RequestId {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        // The edge has put it there if the caller did not.
        Ok(Self(parts.headers.get(REQUEST_ID).cloned()))
    }
}

/// The caller's id if it is acceptable, else a new one, which then replaces it in `headers`.
pub(super) fn take_or_make(headers: &mut HeaderMap) -> HeaderValue {
    if let Some(id) = headers.get(REQUEST_ID).filter(|id| is_acceptable(id.as_bytes())) {
        return id.clone();
    }
    let id = make();
    headers.insert(REQUEST_ID, id.clone());
    id
}

/// The caller's trace context, if it is well formed. What is not, or is there twice, is taken out of `headers`: passed on, it
/// could make the next service refuse the call, and with it whoever else goes along.
pub(super) fn take_traceparent(headers: &mut HeaderMap) -> Option<HeaderValue> {
    let mut values = headers.get_all(TRACEPARENT).iter();
    let first = values.next()?;
    let accepted = (values.next().is_none() && is_traceparent(first.as_bytes())).then(|| first.clone());
    if accepted.is_none() {
        headers.remove(TRACEPARENT);
    }
    accepted
}

/// Visible ASCII; without quotes and backslashes, so that it stands in JSON as it is.
fn is_acceptable(id: &[u8]) -> bool {
    (1..=ID_MAX_BYTES).contains(&id.len()) && id.iter().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\'))
}

/// `version-trace-parent-flags` in lower-case hexadecimal; there is no version ff.
fn is_traceparent(value: &[u8]) -> bool {
    value.len() == 55
        && !value.starts_with(b"ff")
        && value.iter().enumerate().all(|(index, byte)| match index {
            2 | 35 | 52 => *byte == b'-',
            _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
        })
}

/// A UUID version 7: unique, and sorted by time in logs.
pub(crate) fn make() -> HeaderValue {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let millis = u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX);
    let uuid = Builder::from_unix_timestamp_millis(millis, &rand::random()).into_uuid();
    let mut text = [0; uuid::fmt::Hyphenated::LENGTH];
    let text: &str = uuid.hyphenated().encode_lower(&mut text);
    HeaderValue::from_str(text).expect("a UUID is visible ASCII")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn acceptable_ids_are_kept_and_others_replaced() {
        let long = "x".repeat(ID_MAX_BYTES + 1);
        for (given, kept) in [("abc-123", true), ("", false), ("a b", false), ("a\"b", false), (long.as_str(), false), (&long[1..], true)] {
            let mut headers = HeaderMap::new();
            headers.insert(REQUEST_ID, HeaderValue::from_str(given).expect("a header value"));
            let id = take_or_make(&mut headers);
            assert_eq!(id == given, kept, "{given:?}");
            assert_eq!(headers[REQUEST_ID], id, "handlers see the id in use");
        }
    }

    #[test]
    fn made_ids_differ_and_are_version_7() {
        let (first, second) = (make(), make());
        assert_ne!(first, second);
        let parsed = uuid::Uuid::parse_str(first.to_str().expect("ASCII")).expect("a UUID");
        assert_eq!(parsed.get_version_num(), 7);
    }

    #[test]
    fn traceparent_must_be_well_formed_and_alone() {
        let good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        for (given, accepted) in [
            (&[good][..], true),
            (&[], false),
            (&[good, good], false),
            (&["00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01"], false),
            (&["ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"], false),
            (&["00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7"], false),
        ] {
            let mut headers = HeaderMap::new();
            for value in given {
                headers.append(TRACEPARENT, HeaderValue::from_static(value));
            }
            let taken = take_traceparent(&mut headers);
            assert_eq!((taken.is_some(), headers.contains_key(TRACEPARENT)), (accepted, accepted), "{given:?}");
        }
    }
}
