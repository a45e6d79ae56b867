//! Styles and scripts, named by their content so that browsers keep them for ever.

use axum::{
    extract::Path,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use http_server::problem::not_found;

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
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// `GET /assets/{name}`. During a rolling update a page and its assets may come from two versions:
/// a name with another hash gets the file of this version, and no cache keeps it.
pub async fn serve(Path(name): Path<String>, headers: HeaderMap) -> Response {
    let path = format!("/assets/{name}");
    if let Some(asset) = ASSETS.into_iter().find(|asset| asset.path == path) {
        return asset.response(&headers);
    }
    let parts = |name: &str| {
        let (stem, rest) = name.split_once('.')?;
        Some((stem.to_owned(), rest.split_once('.')?.1.to_owned()))
    };
    let wanted = parts(&path);
    let other = ASSETS.into_iter().find(|asset| wanted.is_some() && parts(asset.path) == wanted);
    match other {
        Some(asset) => {
            let mut response = asset.response(&HeaderMap::new());
            response.headers_mut().insert(header::CACHE_CONTROL, NO_STORE);
            response
        }
        None => not_found().await.into_response(),
    }
}

const ASSETS: [&Asset; 3] = [&ICON, &SCRIPT, &STYLE];

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
