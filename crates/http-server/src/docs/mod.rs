//! The documentation of the API, served from the binary. The pages load nothing from elsewhere,
//! which their content security policy also enforces.

mod asset;
mod path;
#[cfg(feature = "redoc")]
mod redoc;
#[cfg(feature = "swagger-ui")]
mod swagger;

use std::sync::Arc;

use asset::{Asset, serve};
use axum::Router;
pub use path::OPENAPI_PATH;
use utoipa::openapi::OpenApi;

/// The names and paths of the documentation, for the start page.
pub const LINKS: &[(&str, &str)] = &[
    #[cfg(feature = "swagger-ui")]
    ("docs", "/docs"),
    #[cfg(feature = "redoc")]
    ("redoc", "/redoc"),
    ("openapi", OPENAPI_PATH),
];

/// An OpenAPI document to serve.
#[derive(Clone)]
pub struct Documentation {
    title: String,
    document: Arc<dyn Fn() -> OpenApi + Send + Sync>,
}

impl Documentation {
    /// Calls `document` at the first request for it: building the document takes megabytes, and
    /// most processes never serve it.
    pub fn new(
        title: impl Into<String>,
        document: impl Fn() -> OpenApi + Send + Sync + 'static,
    ) -> Self {
        Self { title: title.into(), document: Arc::new(document) }
    }
}

/// `/openapi.json`, Swagger UI on `/docs` and Redoc on `/redoc`; the pages where their features are
/// on.
pub(crate) fn routes(documentation: Documentation) -> Router {
    let Documentation { title, document } = documentation;
    let document = Asset::lazy("application/json", None, move || {
        serde_json::to_vec(&document()).unwrap_or_default()
    });
    Router::new().route(OPENAPI_PATH, serve(document)).merge(pages(&title))
}

fn pages(title: &str) -> Router {
    let router = Router::new();
    #[cfg(feature = "redoc")]
    let router = router.merge(redoc::routes(title));
    #[cfg(not(feature = "redoc"))]
    let _ = title;
    #[cfg(feature = "swagger-ui")]
    let router = router.merge(swagger::routes());
    router
}
