//! Problems as HTTP responses.

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http::{HeaderValue, header};
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::{CONTENT_TYPE, Problem, TYPE_PREFIX};

/// Names that added members cannot take.
const RESERVED: [&str; 8] =
    ["type", "title", "status", "detail", "error", "code", "retry_after_s", "request_id"];

/// The body, in the extensions of the response, so that the middleware can add the request id
/// without parsing.
#[derive(Clone)]
pub(crate) struct ProblemTail(Bytes);

impl ProblemTail {
    /// The body with `request_id` as its last member. `id` is visible ASCII without quotes and
    /// backslashes.
    pub fn with_request_id(&self, id: &[u8]) -> Bytes {
        const MEMBER: &[u8] = b",\"request_id\":\"";
        let open = &self.0[..self.0.len() - 1];
        let mut body = Vec::with_capacity(open.len() + MEMBER.len() + id.len() + 2);
        body.extend_from_slice(open);
        body.extend_from_slice(MEMBER);
        body.extend_from_slice(id);
        body.extend_from_slice(b"\"}");
        body.into()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body: Bytes =
            serde_json::to_vec(&self).expect("strings and JSON values always serialize").into();
        let mut response = Response::new(Body::from(body.clone()));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(CONTENT_TYPE));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = self.retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.challenge {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if self.plain_only {
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        }
        response.extensions_mut().insert(ProblemTail(body));
        response
    }
}

impl Serialize for Problem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("type", &format_args!("{TYPE_PREFIX}{}", self.code))?;
        map.serialize_entry("title", self.title)?;
        map.serialize_entry("status", &self.status.as_u16())?;
        map.serialize_entry("detail", &self.detail)?;
        map.serialize_entry("error", self.title)?;
        map.serialize_entry("code", self.code)?;
        if let Some(seconds) = self.retry_after_s {
            map.serialize_entry("retry_after_s", &seconds)?;
        }
        let members = self.members.iter().flat_map(|members| members.iter());
        for (name, value) in members.filter(|(name, _)| !RESERVED.contains(&name.as_str())) {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}
