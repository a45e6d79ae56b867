//! The record of one request, from its arrival to its answer or its end without one.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::MatchedPath,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use telemetry::{
    Begun, Current, Id, MethodLabel, RouteHandles, ServerSpan, UNMATCHED_ROUTE, within,
};
use tokio::time::Instant;

use super::{REQUEST_ID, RouteEdge, TRACEPARENT, body::BodyProgress, head::Head, quota::Standing};
use crate::problem::{Problem, ProblemTail};

/// Status counted for requests whose caller went away before the answer.
const STATUS_GONE: u16 = 499;

pub(super) struct Call {
    route: Arc<RouteEdge>,
    begun: Begun,
    method: MethodLabel,
    /// Only when the route's cache belongs to another path: several paths share one service.
    uncached: Option<Box<RouteHandles>>,
    started: Instant,
    id: Id,
    traceparent: Option<HeaderValue>,
    body: Option<Arc<BodyProgress>>,
    http1: bool,
    /// The page that asks, when it is a browser: an answer made here must be one that it may read.
    origin: Option<HeaderValue>,
    standing: Option<Standing>,
    /// On the heap, since it is large and rarely there: a call is moved several times.
    span: Option<Box<ServerSpan>>,
    pub(super) current: Current,
    finished: bool,
}

impl Call {
    pub fn begin(route: Arc<RouteEdge>, method: MethodLabel, path: Option<&MatchedPath>) -> Self {
        let path = path.map_or(UNMATCHED_ROUTE, MatchedPath::as_str);
        let uncached = if route.cache.get(&route.shared.metrics, method, path).is_some() {
            None
        } else {
            Some(Box::new(RouteHandles::new(&route.shared.metrics, method, path)))
        };
        let begun = route.shared.metrics.under_way().begin();
        Self {
            route,
            begun,
            method,
            uncached,
            started: Instant::now(),
            id: Id::Given(HeaderValue::from_static("")),
            traceparent: None,
            body: None,
            http1: false,
            origin: None,
            standing: None,
            span: None,
            current: Current::default(),
            finished: false,
        }
    }

    pub fn started(&self) -> Instant {
        self.started
    }

    pub fn take_ids(&mut self, head: Head, headers: &mut HeaderMap) {
        self.id = head.id.unwrap_or_else(Id::make);
        self.traceparent = head.traceparent;
        self.current.request_id = Some(self.id.clone());
        if let Some(span) = ServerSpan::start(self.method, self.path(), self.traceparent.as_ref()) {
            self.current.span = span.reference();
            // Who is called on, and the caller, hear of this request's span.
            if let Some(traceparent) = span.traceparent() {
                headers.insert(TRACEPARENT, traceparent.clone());
                self.traceparent = Some(traceparent);
            }
            self.span = Some(Box::new(span));
        }
    }

    /// The answer may say `Connection: close` (HTTP/1).
    pub fn note_close(&mut self, http1: bool) {
        self.http1 = http1;
    }

    /// What is left of the client's quota.
    pub fn note_standing(&mut self, standing: Option<Standing>) {
        self.standing = standing;
    }

    /// An answer of the edge itself has to be readable from this origin.
    pub fn note_origin(&mut self, headers: &HeaderMap) {
        self.origin = headers.get(header::ORIGIN).cloned();
    }

    /// An answer in the handler's place, in a form that the origin may read.
    pub fn instead(&mut self, problem: Problem) -> Response {
        let response = problem.into_response();
        match self.origin.take() {
            Some(origin) => self.route.shared.negotiation.readable(response, origin),
            None => response,
        }
    }

    /// The deadline starts when the body has arrived.
    pub fn follow(&mut self, body: Option<Arc<BodyProgress>>) {
        self.body = body;
    }

    /// Whether more requests than `max` are in flight, this one included.
    pub fn is_over(&self, max: usize) -> bool {
        self.route.shared.metrics.under_way().is_over(max)
    }

    /// When the answer is due, as far as known now.
    pub fn deadline(&self) -> Instant {
        let settings = &self.route.shared.settings;
        let from = match &self.body {
            None => self.started,
            Some(body) => body.arrived_at().unwrap_or(self.started + settings.body_timeout),
        };
        from + settings.request_timeout
    }

    /// Puts the ids on the answer, counts and logs it.
    pub fn finish(&mut self, mut response: Response) -> Response {
        let status = response.status();
        if let Some(tail) = response.extensions_mut().remove::<ProblemTail>() {
            let body = tail.with_request_id(self.id.as_bytes());
            response.headers_mut().remove(header::CONTENT_LENGTH);
            *response.body_mut() = Body::from(body);
        }
        let headers = response.headers_mut();
        headers.insert(REQUEST_ID, self.id.header());
        if let Some(traceparent) = self.traceparent.take() {
            headers.insert(TRACEPARENT, traceparent);
        }
        if let Some(standing) = self.standing {
            standing.put_on(headers);
        }
        // What is left of the body would be taken for the next request.
        if self.http1
            && matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::PAYLOAD_TOO_LARGE)
        {
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        self.record(status.as_u16());
        response
    }

    /// The route's label, for logs.
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
        self.route.shared.metrics.under_way().end(self.begun);
        if !self.finished {
            let mut current = std::mem::take(&mut self.current);
            within(&mut current, || self.record(STATUS_GONE));
        }
    }
}
