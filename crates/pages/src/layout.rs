//! What all pages have.

use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, StatusCode, header};
use jiff::Timestamp;
use maud::{DOCTYPE, Markup, html};

use crate::{
    assets::{ICON, SCRIPT, STYLE},
    lang::Texts,
};

/// Nothing but the service's own files, and no scripts or styles within a page.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
const REFERRER_POLICY: HeaderName = HeaderName::from_static("referrer-policy");

/// A page.
pub struct Page {
    pub texts: &'static Texts,
    pub title: String,
    pub content: Markup,
}

impl Page {
    /// The response with `status`.
    pub fn response(self, status: StatusCode) -> Response {
        let Self { texts, title, content } = self;
        let page = html! {
            (DOCTYPE)
            // The script goes by the service's time.
            html lang=(texts.code) data-now=(Timestamp::now().as_millisecond()) {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    title { (title) }
                    link rel="stylesheet" href=(STYLE.path);
                    link rel="icon" href=(ICON.path);
                    script src=(SCRIPT.path) defer {}
                }
                body {
                    main { (content) }
                }
            }
        };
        let headers = [
            (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
            // Counts change at any moment, and the address of a reservation is a secret.
            (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
            (header::VARY, HeaderValue::from_static("accept-language")),
            (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
            (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
            (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        ];
        (status, headers, page.into_string()).into_response()
    }
}

/// Sends the browser to `path`, with GET.
pub fn see_other(path: &str) -> Response {
    let location = HeaderValue::try_from(path).unwrap_or(HeaderValue::from_static("/e/"));
    (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response()
}
