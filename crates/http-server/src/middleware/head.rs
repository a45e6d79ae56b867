//! The headers of a request that the middleware reads.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use http::{HeaderMap, HeaderName, HeaderValue, Version, header, request::Parts};
use telemetry::RequestId;

use super::flaw::{Checks, Flaw};
use crate::encoding::accepts_gzip;

/// Name of the header that identifies a request, in and out.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Name of the W3C trace context header, in and out.
pub const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// Counts the ticket services that a request has passed. Each adds one to the calls it makes.
pub const HOPS: HeaderName = HeaderName::from_static("x-ticket-hops");

/// Extracts the id of the current request, to pass on to other services.
#[derive(Debug, Clone)]
pub struct CurrentRequestId(pub Option<String>);

impl<S: Sync> FromRequestParts<S> for CurrentRequestId {
    type Rejection = Infallible;

    async fn from_request_parts(_: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(telemetry::current_request_id()))
    }
}

/// Read in one pass: one look-up by name costs as much as reading all headers of a typical client.
#[derive(Default)]
pub(super) struct Head {
    /// The caller's id, if it is acceptable.
    pub id: Option<RequestId>,
    /// The caller's trace context, if it is well formed.
    pub traceparent: Option<HeaderValue>,
    /// Whether the request takes part in CORS or accepts compression.
    pub negotiated: bool,
    /// Why the request is refused.
    pub flaw: Option<Flaw>,
    /// The ticket services that the request has passed.
    pub hops: u32,
}

impl Head {
    /// Reads `headers`. It removes a trace context that is malformed or repeated: the next service
    /// could refuse the whole call, which may carry other requests as well. It reduces
    /// `Accept-Encoding` to what is served, because the layer that compresses would refuse a
    /// request after its effect.
    pub fn read(headers: &mut HeaderMap, version: Version, has_body: bool) -> Self {
        let mut head = Self::default();
        let (mut ids, mut traceparents, mut encodings) = (0, 0, false);
        let mut checks = Checks::default();
        for (name, value) in headers.iter() {
            match name.as_str() {
                "host" => checks.host(value),
                "origin" => head.negotiated = true,
                "accept-encoding" => encodings = true,
                "transfer-encoding" => checks.transfer_coding(value),
                "content-encoding" => checks.content_coding(value),
                "x-request-id" => {
                    ids += 1;
                    if ids == 1 {
                        head.id = RequestId::accept(value);
                    }
                }
                "traceparent" => {
                    traceparents += 1;
                    head.traceparent = (traceparents == 1 && is_traceparent(value.as_bytes()))
                        .then(|| value.clone());
                }
                "x-ticket-hops" => head.hops = head.hops.max(hops(value)),
                _ => {}
            }
        }
        if traceparents > 0 && head.traceparent.is_none() {
            headers.remove(TRACEPARENT);
        }
        if encodings {
            if accepts_gzip(headers) {
                head.negotiated = true;
                headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
            } else {
                headers.remove(header::ACCEPT_ENCODING);
            }
        }
        head.flaw = checks.flaw(version, has_body);
        head
    }
}

/// Reads a value of [`HOPS`]. A malformed one counts as the longest way: no service sends it.
#[must_use]
pub fn hops(value: &HeaderValue) -> u32 {
    value.to_str().ok().and_then(|text| text.parse().ok()).unwrap_or(u32::MAX)
}

/// `version-trace-parent-flags` in lower-case hexadecimal; version ff is invalid.
fn is_traceparent(value: &[u8]) -> bool {
    value.len() == 55
        && !value.starts_with(b"ff")
        && value.iter().enumerate().all(|(index, byte)| match index {
            2 | 35 | 52 => *byte == b'-',
            _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &HeaderName, values: &[&'static str]) -> (Head, HeaderMap) {
        let mut headers = HeaderMap::new();
        headers.insert("host", HeaderValue::from_static("here"));
        for value in values {
            headers.append(name, HeaderValue::from_static(value));
        }
        (Head::read(&mut headers, Version::HTTP_11, false), headers)
    }

    #[test]
    fn the_first_request_id_counts() {
        for (given, id) in [
            (&["a-1"][..], Some("a-1")),
            (&["a-1", "b-2"], Some("a-1")),
            (&["a b", "b-2"], None),
            (&[], None),
        ] {
            assert_eq!(
                read(&REQUEST_ID, given).0.id.as_ref().map(RequestId::as_str),
                id,
                "{given:?}"
            );
        }
    }

    #[test]
    fn traceparent_must_be_well_formed_and_alone() {
        let good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        for (given, accepted) in [
            (&[good][..], true),
            (&[], false),
            (&[good, good], false),
            (&[good, good, good], false),
            (&["00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01"], false),
            (&["ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"], false),
            (&["00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7"], false),
        ] {
            let (head, headers) = read(&TRACEPARENT, given);
            assert_eq!(
                (head.traceparent.is_some(), headers.contains_key(TRACEPARENT)),
                (accepted, accepted),
                "{given:?}"
            );
        }
    }

    #[test]
    fn the_longest_way_counts() {
        for (given, hops) in [
            (&["3"][..], 3),
            (&[], 0),
            (&["1", "4", "2"], 4),
            (&["-1"], u32::MAX),
            (&["99999999999"], u32::MAX),
            (&["many"], u32::MAX),
        ] {
            assert_eq!(read(&HOPS, given).0.hops, hops, "{given:?}");
        }
    }

    #[test]
    fn browsers_negotiate() {
        for (name, value, negotiated) in [
            ("origin", "x", true),
            ("accept-encoding", "deflate, gzip", true),
            ("accept-encoding", "identity;q=0", false),
            ("accept-encoding", "x", false),
            ("accept", "x", false),
            ("x-request-id", "x", false),
        ] {
            let (head, headers) = read(&HeaderName::from_static(name), &[value]);
            assert_eq!(head.negotiated, negotiated, "{name}: {value}");
            let left = headers.get("accept-encoding").is_some_and(|value| value == "gzip");
            assert_eq!(left, name == "accept-encoding" && negotiated);
        }
    }
}
