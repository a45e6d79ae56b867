//! Answers of writes: JSON, and where in the ledger they were decided.

use std::time::Duration;

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use http_server::Problem;
use serde::Serialize;

/// The header that carries an answer's `seq`.
pub const EVENT_SEQ: HeaderName = HeaderName::from_static("event-seq");

/// `Age` for what is read while the store cannot be asked (RFC 9111): how many seconds ago it was
/// so.
pub(super) fn age(stale: Option<Duration>) -> HeaderMap {
    stale.map(|age| (header::AGE, HeaderValue::from(age.as_secs()))).into_iter().collect()
}

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Most answers are no longer.
const USUAL_BYTES: usize = 256;

/// A success with its `seq`.
pub struct Answer<T> {
    /// 200 or 201.
    pub status: StatusCode,
    /// The place in the event's ledger.
    pub seq: u64,
    /// The body.
    pub body: T,
    /// Where what was made can be found.
    pub location: Option<String>,
}

impl<T> Answer<T> {
    /// 200.
    pub fn ok(seq: u64, body: T) -> Self {
        Self { status: StatusCode::OK, seq, body, location: None }
    }

    /// 201.
    pub fn created(seq: u64, body: T) -> Self {
        Self { status: StatusCode::CREATED, seq, body, location: None }
    }

    /// Adds `Location`.
    #[must_use]
    pub fn at(mut self, location: String) -> Self {
        self.location = Some(location);
        self
    }
}

impl<T: Serialize> IntoResponse for Answer<T> {
    fn into_response(self) -> Response {
        let mut body = Vec::with_capacity(USUAL_BYTES);
        if let Err(error) = serde_json::to_writer(&mut body, &self.body) {
            tracing::error!(%error, "an answer cannot be written");
            return Problem::internal("The answer cannot be written.").into_response();
        }
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, JSON);
        headers.insert(EVENT_SEQ, HeaderValue::from(self.seq));
        if let Some(location) =
            self.location.and_then(|location| HeaderValue::try_from(location).ok())
        {
            headers.insert(header::LOCATION, location);
        }
        response
    }
}
