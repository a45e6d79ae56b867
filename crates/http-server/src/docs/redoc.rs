//! The page `/redoc`.

use axum::Router;

use super::{
    asset::{Asset, inflate, serve},
    path::OPENAPI_PATH,
};

/// The script renders styles in place and searches in a worker that it creates from a blob.
const POLICY: &str = "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'unsafe-inline'; img-src 'self' data:; \
                      font-src 'self' data:; connect-src 'self'; worker-src blob:; base-uri 'none'; form-action 'none'";

/// See assets/redoc/README.md.
const SCRIPT: &[u8] = include_bytes!("../../assets/redoc/redoc.standalone.js.gz");

/// The one image that the script loads from elsewhere, and an image that fails at once instead,
/// which Redoc then hides.
const LOGO_URL: &str = "https://cdn.redoc.ly/redoc/logo-mini.svg";
const NO_IMAGE: &str = "data:,";

pub(super) fn routes(title: &str) -> Router {
    let title = title.replace('&', "&amp;").replace('<', "&lt;");
    let page = Asset::lazy("text/html; charset=utf-8", Some(POLICY), move || page(&title));
    Router::new().route("/redoc", serve(page.clone())).route("/redoc/", serve(page))
}

/// One page with the script inside.
fn page(title: &str) -> String {
    let script = inflate(SCRIPT, "redoc.standalone.js");
    let script = String::from_utf8_lossy(&script).replace(LOGO_URL, NO_IMAGE);
    format!(
        "<!DOCTYPE html>
<html lang=\"en\">
<head><meta charset=\"utf-8\"><title>{title}</title></head>
<body>
<div id=\"redoc\"></div>
<script>
{script}
Redoc.init(\"{OPENAPI_PATH}\", {{ scrollYOffset: 50 }}, document.getElementById(\"redoc\"));
</script>
</body>
</html>
"
    )
}
