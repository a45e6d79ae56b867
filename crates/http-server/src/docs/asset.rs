//! Fixed responses that are built on demand.

use std::{
    io::Write,
    sync::{Arc, LazyLock, OnceLock},
};

use axum::{
    body::Body,
    response::{IntoResponse, Response},
    routing::{MethodRouter, get},
};
use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use http::{HeaderMap, HeaderValue, header};

use crate::encoding::accepts_gzip;

type Build = Box<dyn FnOnce() -> Bytes + Send + Sync>;

/// A fixed response. The first request builds and compresses it, so that documentation does not
/// slow down the start.
pub(super) struct Asset {
    content_type: HeaderValue,
    policy: Option<&'static str>,
    plain: LazyLock<Bytes, Build>,
    gzip: OnceLock<Option<Bytes>>,
}

impl Asset {
    /// Runs `build` at the first request. `policy` is the content security policy of a page.
    pub fn lazy<B: Into<Bytes>>(
        content_type: &'static str,
        policy: Option<&'static str>,
        build: impl FnOnce() -> B + Send + Sync + 'static,
    ) -> Arc<Self> {
        let build: Build = Box::new(move || build().into());
        let content_type = HeaderValue::from_static(content_type);
        Arc::new(Self { content_type, policy, plain: LazyLock::new(build), gzip: OnceLock::new() })
    }

    /// The response to a request with these headers.
    pub fn response(&self, request: &HeaderMap) -> Response {
        let compressed = if accepts_gzip(request) {
            self.gzip.get_or_init(|| compress(&self.plain)).clone()
        } else {
            None
        };
        let is_compressed = compressed.is_some();
        let mut response =
            Body::from(compressed.unwrap_or_else(|| self.plain.clone())).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, self.content_type.clone());
        headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        if is_compressed {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        if let Some(policy) = self.policy {
            headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
        }
        response
    }
}

fn compress(plain: &[u8]) -> Option<Bytes> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(plain.len() / 3), Compression::default());
    encoder.write_all(plain).ok()?;
    encoder.finish().ok().map(Bytes::from)
}

pub(super) fn serve(asset: Arc<Asset>) -> MethodRouter {
    get(move |headers: HeaderMap| async move { asset.response(&headers) })
}

/// The content of a file that is compressed in the binary.
#[cfg(any(feature = "redoc", feature = "swagger-ui"))]
pub(super) fn inflate(compressed: &[u8], name: &str) -> Vec<u8> {
    use std::io::Read;

    let mut plain = Vec::new();
    if let Err(error) = flate2::read::GzDecoder::new(compressed).read_to_end(&mut plain) {
        tracing::error!(%error, name, "cannot decompress a documentation file");
    }
    plain
}
