//! Headers that trace a request through both services.

use http::{HeaderMap, HeaderValue};
use http_server::middleware::{HOPS, REQUEST_ID, TRACEPARENT, hops};

/// `X-Request-ID` and `traceparent`, as forwarded to vacancy.
#[derive(Debug, Clone, Default)]
pub struct TraceHeaders {
    request_id: Option<HeaderValue>,
    traceparent: Option<HeaderValue>,
    hops: u32,
}

impl TraceHeaders {
    /// Copies them from the headers of a request.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Self {
        Self {
            request_id: headers.get(REQUEST_ID).cloned(),
            traceparent: headers.get(TRACEPARENT).cloned(),
            hops: headers.get_all(HOPS).iter().map(hops).max().unwrap_or(0),
        }
    }

    /// Returns the span of the request.
    #[must_use]
    pub fn traceparent(&self) -> Option<&HeaderValue> {
        self.traceparent.as_ref()
    }

    /// Returns the ticket services that the request has passed before this one.
    #[must_use]
    pub fn hops(&self) -> u32 {
        self.hops
    }

    /// Returns the headers of the same request in the span `traceparent`, if there is one.
    #[must_use]
    pub fn within(&self, traceparent: Option<HeaderValue>) -> Self {
        Self {
            request_id: self.request_id.clone(),
            traceparent: traceparent.or_else(|| self.traceparent.clone()),
            hops: self.hops,
        }
    }

    /// Adds them to the headers of a call.
    pub fn insert_into(self, headers: &mut HeaderMap) {
        for (name, value) in [(REQUEST_ID, self.request_id), (TRACEPARENT, self.traceparent)] {
            if let Some(value) = value {
                headers.insert(name, value);
            }
        }
    }
}
