//! The API's documentation, served from the binary: nothing is loaded from anywhere else, which the
//! pages' content security policy also enforces.

mod asset;
mod redoc;
mod swagger;

use std::{io::Read, sync::Arc};

use asset::Asset;
use axum::{Router, routing::get};
use flate2::read::GzDecoder;
use http::HeaderMap;
use utoipa::openapi::OpenApi;

/// A file of the pages, compressed, as build.rs has made it.
macro_rules! bundled {
    ($name:literal) => {
        include_bytes!(concat!(env!("OUT_DIR"), "/", $name, ".gz"))
    };
}
use bundled;

/// Where the OpenAPI document is served; also in build.rs.
pub const OPENAPI_PATH: &str = "/openapi.json";

/// What is to be documented.
#[derive(Clone)]
pub struct Documentation {
    title: String,
    document: Arc<dyn Fn() -> OpenApi + Send + Sync>,
}

impl Documentation {
    /// `document` is called when somebody first asks for it: it takes megabytes to make, and most
    /// processes never have to.
    pub fn new(
        title: impl Into<String>,
        document: impl Fn() -> OpenApi + Send + Sync + 'static,
    ) -> Self {
        Self { title: title.into(), document: Arc::new(document) }
    }
}

/// `/openapi.json`, Swagger UI on `/docs` and Redoc on `/redoc`.
pub(crate) fn routes(documentation: Documentation) -> Router {
    let Documentation { title, document } = documentation;
    let document = Asset::lazy("application/json", None, move || {
        serde_json::to_vec(&document()).unwrap_or_default()
    });
    Router::new()
        .route(OPENAPI_PATH, serving(document))
        .merge(redoc::routes(&title))
        .merge(swagger::routes())
}

fn serving(asset: Arc<Asset>) -> axum::routing::MethodRouter {
    get(move |headers: HeaderMap| async move { asset.answer(&headers) })
}

fn inflate(compressed: &[u8], name: &str) -> Vec<u8> {
    let mut plain = Vec::new();
    if let Err(error) = GzDecoder::new(compressed).read_to_end(&mut plain) {
        tracing::error!(%error, name, "a documentation file cannot be decompressed");
    }
    plain
}
