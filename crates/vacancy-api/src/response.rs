//! Responses to writes: JSON, and the `seq` at which they were decided.

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use http::{HeaderName, HeaderValue, StatusCode, header};
use http_server::Problem;
use serde::Serialize;

/// The header with the `seq` of a response.
pub const EVENT_SEQ: HeaderName = HeaderName::from_static("event-seq");

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Capacity that most responses fit into, bytes.
const USUAL_BYTES: usize = 256;

/// A success with its `seq`.
pub struct WriteResponse<T> {
    /// 200 or 201.
    pub status: StatusCode,
    /// The place in the event's ledger.
    pub seq: u64,
    /// The body.
    pub body: T,
    /// The path of what was created.
    pub location: Option<String>,
}

impl<T> WriteResponse<T> {
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

impl<T: Serialize> IntoResponse for WriteResponse<T> {
    fn into_response(self) -> Response {
        let mut body = Vec::with_capacity(USUAL_BYTES);
        if let Err(error) = serde_json::to_writer(&mut body, &self.body) {
            tracing::error!(%error, "cannot encode a response");
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
