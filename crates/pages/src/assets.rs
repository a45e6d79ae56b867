//! Styles and scripts, named by their content so that browsers keep them for ever.

use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};

include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// A file in the binary.
pub struct Asset {
    /// Its path, which names its content.
    pub path: &'static str,
    tag: &'static str,
    content_type: &'static str,
    plain: &'static [u8],
    gzip: &'static [u8],
}

/// A year, the longest that caches are asked for.
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

impl Asset {
    /// The response to a request with these headers. The middleware has reduced `Accept-Encoding`
    /// to what is served.
    pub fn response(&self, request: &HeaderMap) -> Response {
        let common = [
            (header::ETAG, HeaderValue::from_static(self.tag)),
            (header::CACHE_CONTROL, FOR_EVER),
            (header::VARY, HeaderValue::from_static("accept-encoding")),
            (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        ];
        let tag = request.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
        if tag.is_some_and(|tag| tag.split(',').any(|one| one.trim() == self.tag)) {
            return (StatusCode::NOT_MODIFIED, common).into_response();
        }
        let content_type = [(header::CONTENT_TYPE, HeaderValue::from_static(self.content_type))];
        if request.get(header::ACCEPT_ENCODING).is_some_and(|value| value == "gzip") {
            let coding = [(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"))];
            return (common, content_type, coding, self.gzip).into_response();
        }
        (common, content_type, self.plain).into_response()
    }
}
