use aide::redoc::Redoc;
use axum::Router;

use super::{OPENAPI_PATH, asset::Asset, serving};

/// Redoc is one page with its script inside, which renders styles in place and searches in a worker made from a blob.
const POLICY: &str = "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'unsafe-inline'; img-src 'self' data:; \
                      font-src 'self' data:; connect-src 'self'; worker-src blob:; base-uri 'none'; form-action 'none'";

/// The one image that Redoc's script would load from elsewhere.
const LOGO_URL: &str = "https://cdn.redoc.ly/redoc/logo-mini.svg";

/// Stands for the logo: an image that fails at once, which Redoc then hides.
const NO_IMAGE: &str = "data:,";

pub(super) fn routes(title: &str) -> Router {
    let title = title.replace('&', "&amp;").replace('<', "&lt;");
    let page = Asset::lazy("text/html; charset=utf-8", Some(POLICY), move || {
        Redoc::new(OPENAPI_PATH).with_title(&title).html().replace(LOGO_URL, NO_IMAGE)
    });
    Router::new().route("/redoc", serving(page.clone())).route("/redoc/", serving(page))
}
