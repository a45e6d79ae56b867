//! The record of one request, from its arrival to its response or its cancellation.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::MatchedPath,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode, Version, header};
use telemetry::{
    InFlightToken, MethodLabel, RequestContext, RequestId, RouteHandles, ServerSpan,
    UNMATCHED_ROUTE, within,
};
use tokio::time::Instant;

use super::{
    body::BodyProgress,
    head::{Head, REQUEST_ID, TRACEPARENT},
    quota::RateLimitStatus,
    state::RouteState,
};
use crate::problem::{Problem, ProblemTail};

const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// Status counted for requests whose caller disconnected before the response.
const STATUS_CLIENT_CLOSED: u16 = 499;

pub(super) struct Call {
    route: Arc<RouteState>,
    in_flight: InFlightToken,
    method: MethodLabel,
    /// Set when the cache of the route belongs to another path: several paths share one service.
    uncached: Option<Box<RouteHandles>>,
    started: Instant,
    id: RequestId,
    traceparent: Option<HeaderValue>,
    body: Option<Arc<BodyProgress>>,
    version: Version,
    /// The origin of the page that sends the request: it must be able to read a response made
    /// here.
    origin: Option<HeaderValue>,
    rate_limit: Option<RateLimitStatus>,
    /// On the heap, because it is large and rarely set, and a call is moved several times.
    span: Option<Box<ServerSpan>>,
    pub(super) current: RequestContext,
    /// Whether the connection closes with the response.
    pub(super) close: bool,
    finished: bool,
}

impl Call {
    pub fn begin(route: Arc<RouteState>, method: MethodLabel, path: Option<&MatchedPath>) -> Self {
        let path = path.map_or(UNMATCHED_ROUTE, MatchedPath::as_str);
        let uncached = if route.cache.get(&route.shared.metrics, method, path).is_some() {
            None
        } else {
            Some(Box::new(RouteHandles::new(&route.shared.metrics, method, path)))
        };
        let in_flight = route.shared.metrics.in_flight().begin();
        Self {
            route,
            in_flight,
            method,
            uncached,
            started: Instant::now(),
            id: RequestId::Given(HeaderValue::from_static("")),
            traceparent: None,
            body: None,
            version: Version::HTTP_11,
            origin: None,
            rate_limit: None,
            span: None,
            current: RequestContext::default(),
            close: false,
            finished: false,
        }
    }

    pub fn started(&self) -> Instant {
        self.started
    }

    pub fn take_ids(&mut self, head: Head, headers: &mut HeaderMap) {
        self.id = head.id.unwrap_or_else(RequestId::generate);
        self.traceparent = head.traceparent;
        self.current.request_id = Some(self.id.clone());
        if let Some(span) = ServerSpan::start(self.method, self.path(), self.traceparent.as_ref()) {
            self.current.span = span.reference();
            // Outgoing calls and the response carry the span of this request.
            if let Some(traceparent) = span.traceparent() {
                headers.insert(TRACEPARENT, traceparent.clone());
                self.traceparent = Some(traceparent);
            }
            self.span = Some(Box::new(span));
        }
    }

    /// Records the version, because HTTP/2 has no `Connection: close`.
    pub fn note_version(&mut self, version: Version) {
        self.version = version;
    }

    /// Records the remaining quota of the client.
    pub fn note_rate_limit(&mut self, status: RateLimitStatus) {
        self.rate_limit = Some(status);
    }

    /// Records the origin that must be able to read a response made here.
    pub fn note_origin(&mut self, headers: &HeaderMap) {
        self.origin = headers.get(header::ORIGIN).cloned();
    }

    /// A response that replaces that of the handler, in a form that the origin may read.
    pub fn replace_with(&mut self, problem: Problem) -> Response {
        let response = problem.into_response();
        match self.origin.take() {
            Some(origin) => self.route.shared.negotiation.readable(response, origin),
            None => response,
        }
    }

    /// Makes the deadline count from the arrival of the body.
    pub fn follow(&mut self, body: Option<Arc<BodyProgress>>) {
        self.body = body;
    }

    /// Whether more requests than `max` are in flight, this one included.
    pub fn is_over(&self, max: usize) -> bool {
        self.route.shared.metrics.in_flight().is_over(max)
    }

    /// The deadline of the response, as far as known now.
    pub fn deadline(&self) -> Instant {
        let settings = &self.route.shared.settings;
        let from = match &self.body {
            None => self.started,
            Some(body) => body.arrived_at().unwrap_or(self.started + settings.body_timeout),
        };
        from + settings.request_timeout
    }

    /// Adds the ids to the response, counts it and logs it.
    pub fn finish(&mut self, mut response: Response) -> Response {
        let status = response.status();
        if let Some(tail) = response.extensions_mut().remove::<ProblemTail>() {
            let body = tail.with_request_id(self.id.as_bytes());
            response.headers_mut().remove(header::CONTENT_LENGTH);
            *response.body_mut() = Body::from(body);
        }
        let headers = response.headers_mut();
        headers.insert(REQUEST_ID, self.id.header());
        // Everything but documentation is true for this moment only.
        headers.entry(header::CACHE_CONTROL).or_insert(NO_STORE);
        if let Some(traceparent) = self.traceparent.take() {
            headers.insert(TRACEPARENT, traceparent);
        }
        if let Some(rate_limit) = self.rate_limit {
            rate_limit.put_on(headers);
        }
        // The rest of the body would be read as the next request.
        if self.version < Version::HTTP_2
            && (self.close
                || matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::PAYLOAD_TOO_LARGE))
        {
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        self.record(status.as_u16());
        response
    }

    /// The label of the route, for logs.
    pub fn path(&self) -> &str {
        self.handles().route()
    }

    fn record(&mut self, status: u16) {
        self.finished = true;
        let elapsed = self.started.elapsed();
        let handles = self.handles();
        handles.observe(status, elapsed);
        let (method, route) = (self.method.as_str(), handles.route());
        let duration_us = elapsed.as_micros() as u64;
        if status < 500 {
            tracing::debug!(target: "access", method, route, status, duration_us, "answered");
        } else if let Some(suppressed) = self.route.shared.warnings.take() {
            tracing::warn!(target: "access", method, route, status, duration_us, suppressed, "answered");
        }
        if let Some(span) = self.span.take() {
            span.end(status, self.id.as_str());
        }
    }

    fn handles(&self) -> &RouteHandles {
        match &self.uncached {
            Some(handles) => handles,
            None => self.route.cache.filled(self.method),
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.route.shared.metrics.in_flight().end(self.in_flight);
        if !self.finished {
            let mut current = std::mem::take(&mut self.current);
            within(&mut current, || self.record(STATUS_CLIENT_CLOSED));
        }
    }
}
