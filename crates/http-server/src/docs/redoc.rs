use axum::Router;

use super::{asset::Asset, bundled, inflate, serving};

/// Redoc is one page with its script inside, which renders styles in place and searches in a worker
/// made from a blob.
const POLICY: &str = "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'unsafe-inline'; img-src 'self' data:; \
                      font-src 'self' data:; connect-src 'self'; worker-src blob:; base-uri 'none'; form-action 'none'";

/// Where the page's title goes; also in build.rs.
const TITLE: &str = "{{title}}";

pub(super) fn routes(title: &str) -> Router {
    let title = title.replace('&', "&amp;").replace('<', "&lt;");
    let page = Asset::lazy("text/html; charset=utf-8", Some(POLICY), move || {
        String::from_utf8_lossy(&inflate(bundled!("redoc.html"), "redoc.html"))
            .replacen(TITLE, &title, 1)
    });
    Router::new().route("/redoc", serving(page.clone())).route("/redoc/", serving(page))
}
