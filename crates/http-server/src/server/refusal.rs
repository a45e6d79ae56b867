//! What hyper answers by itself, to what it cannot read as a request, told as a problem.
//!
//! hyper lets nobody have a say in these answers: a status line, `connection: close`, no body. So
//! they are recognized on their way out, by what no answer of ours has: a 4xx without a body.

use axum::response::IntoResponse;
use http::StatusCode;
use telemetry::Id;

use crate::problem::{CONTENT_TYPE, Problem, ProblemTail};

/// How such an answer begins; its status follows.
const BEGINS: &[u8] = b"HTTP/1.1 4";
/// What only such an answer has among its headers.
const EMPTY: &[u8] = b"content-length: 0\r\n";

/// The answer to write in the place of `answer`, if that is one of hyper's own.
pub(super) fn instead_of(answer: &[u8]) -> Option<Vec<u8>> {
    if !answer.starts_with(BEGINS)
        || !answer.ends_with(b"\r\n\r\n")
        || !answer.windows(EMPTY.len()).any(|part| part == EMPTY)
    {
        return None;
    }
    let status = StatusCode::from_bytes(answer.get(9..12)?).ok()?;
    let problem = match status {
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => Problem::new(
            status,
            "header_too_large",
            "Header too large",
            "The request line and headers are larger than MAX_HEADER_BYTES.",
        ),
        StatusCode::URI_TOO_LONG => {
            Problem::new(status, "uri_too_long", "URI too long", "The path and query are too long.")
        }
        StatusCode::BAD_REQUEST => Problem::bad_request("This is no HTTP request."),
        _ => return None,
    };
    let id = Id::make();
    let body = problem
        .into_response()
        .extensions_mut()
        .remove::<ProblemTail>()?
        .with_request_id(id.as_bytes());
    let head = format!(
        "HTTP/1.1 {} {}\r\nconnection: close\r\ncache-control: no-store\r\ncontent-type: {CONTENT_TYPE}\r\ncontent-length: {}\r\nx-request-id: {}\r\n\r\n",
        status.as_u16(),
        status.canonical_reason().unwrap_or_default(),
        body.len(),
        id.as_str(),
    );
    Some([head.as_bytes(), &body].concat())
}

#[cfg(test)]
mod tests {
    use super::instead_of;

    #[test]
    fn only_what_hyper_says_itself_is_replaced() {
        let own = b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\ndate: x\r\n\r\n";
        let told = String::from_utf8(instead_of(own).expect("a problem")).expect("text");
        assert!(
            told.contains("\"code\":\"header_too_large\"") && told.contains("connection: close"),
            "{told}"
        );
        for other in [
            &b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"[..],
            b"HTTP/1.1 404 Not Found\r\ncontent-length: 12\r\n\r\n",
            b"HTTP/1.1 400 Bad Request\r\ncontent-length: 2\r\n\r\n{}",
            b"",
        ] {
            assert!(instead_of(other).is_none());
        }
    }
}
