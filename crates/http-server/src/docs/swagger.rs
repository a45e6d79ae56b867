//! The page `/docs`, Swagger UI.

use axum::Router;

use super::asset::{Asset, inflate, serve};

/// A file as build.rs has compressed it.
macro_rules! bundled {
    ($name:literal) => {
        include_bytes!(concat!(env!("OUT_DIR"), "/", $name, ".gz"))
    };
}

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
                      font-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'";

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const IMAGE: &str = "image/png";

/// The files that the page refers to, with their content types.
const FILES: [(&str, &str, &[u8]); 7] = [
    ("swagger-ui.css", CSS, bundled!("swagger-ui.css")),
    ("index.css", CSS, bundled!("index.css")),
    ("swagger-ui-bundle.js", SCRIPT, bundled!("swagger-ui-bundle.js")),
    ("swagger-ui-standalone-preset.js", SCRIPT, bundled!("swagger-ui-standalone-preset.js")),
    ("swagger-initializer.js", SCRIPT, bundled!("swagger-initializer.js")),
    ("favicon-16x16.png", IMAGE, bundled!("favicon-16x16.png")),
    ("favicon-32x32.png", IMAGE, bundled!("favicon-32x32.png")),
];

pub(super) fn routes() -> Router {
    let index = Asset::lazy(HTML, Some(POLICY), || inflate(bundled!("index.html"), "index.html"));
    let router = Router::new().route("/docs", serve(index.clone())).route("/docs/", serve(index));
    FILES.into_iter().fold(router, |router, (name, content_type, content)| {
        router.route(
            &format!("/docs/{name}"),
            serve(Asset::lazy(content_type, None, move || inflate(content, name))),
        )
    })
}
