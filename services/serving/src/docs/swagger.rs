use std::{io::Read, sync::Arc};

use axum::Router;
use flate2::read::GzDecoder;
use utoipa_swagger_ui::{Config, serve};

use super::{OPENAPI_PATH, asset::Asset, serving};

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
                      font-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'";

/// The files the page refers to, and their content types.
const FILES: [(&str, &str); 7] = [
    ("swagger-ui.css", "text/css; charset=utf-8"),
    ("index.css", "text/css; charset=utf-8"),
    ("swagger-ui-bundle.js", "text/javascript; charset=utf-8"),
    ("swagger-ui-standalone-preset.js", "text/javascript; charset=utf-8"),
    ("swagger-initializer.js", "text/javascript; charset=utf-8"),
    ("favicon-16x16.png", "image/png"),
    ("favicon-32x32.png", "image/png"),
];

pub(super) fn routes() -> Router {
    // "none": by default the page would have an outside service check the document.
    let config = Arc::new(Config::from(OPENAPI_PATH).validator_url("none").try_it_out_enabled(true));
    let index = {
        let config = config.clone();
        Asset::lazy("text/html; charset=utf-8", Some(POLICY), move || absolute_links(&file(&config, "index.html")))
    };
    let router = Router::new().route("/docs", serving(index.clone())).route("/docs/", serving(index));
    FILES.into_iter().fold(router, |router, (name, content_type)| {
        let config = config.clone();
        router.route(&format!("/docs/{name}"), serving(Asset::lazy(content_type, None, move || file(&config, name))))
    })
}

/// The page's links are relative to `/docs/`, but it is served at `/docs` as well.
fn absolute_links(page: &[u8]) -> Vec<u8> {
    let page = String::from_utf8_lossy(page);
    page.replace("\"./", "\"/docs/").replace("\"index.css\"", "\"/docs/index.css\"").into_bytes()
}

/// A file of the bundled distribution; empty if it has none of this name, which a test rules out.
fn file(config: &Arc<Config<'static>>, name: &str) -> Vec<u8> {
    match serve(name, config.clone()) {
        Ok(Some(file)) if file.gzpipped => inflate(&file.bytes, name),
        Ok(Some(file)) => file.bytes.into_owned(),
        Ok(None) => Vec::new(),
        Err(error) => {
            tracing::error!(%error, name, "a documentation file cannot be built");
            Vec::new()
        }
    }
}

/// The distribution is compressed in the binary, which makes that a quarter smaller.
fn inflate(compressed: &[u8], name: &str) -> Vec<u8> {
    let mut plain = Vec::new();
    if let Err(error) = GzDecoder::new(compressed).read_to_end(&mut plain) {
        tracing::error!(%error, name, "a documentation file cannot be decompressed");
    }
    plain
}
