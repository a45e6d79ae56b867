//! Problems for input that hyper cannot parse as a request.
//!
//! hyper writes these replies itself, without a hook: a status line, `connection: close`, no body.
//! They are recognized on their way out as a 4xx without a body, which no handler sends.

use axum::response::IntoResponse;
use http::StatusCode;
use telemetry::RequestId;

use crate::problem::{CONTENT_TYPE, Problem, ProblemTail};

/// Prefix of such a reply; the rest of the status follows.
const PREFIX: &[u8] = b"HTTP/1.1 4";
/// A header that only such a reply has.
const EMPTY_BODY: &[u8] = b"content-length: 0\r\n";

/// The reply to write instead of `reply`, if hyper made that itself. `unknown_coding`: the request
/// names a transfer coding other than chunked.
pub(super) fn problem_for(reply: &[u8], unknown_coding: bool) -> Option<Vec<u8>> {
    if !reply.starts_with(PREFIX)
        || !reply.ends_with(b"\r\n\r\n")
        || !reply.windows(EMPTY_BODY.len()).any(|part| part == EMPTY_BODY)
    {
        return None;
    }
    let status = StatusCode::from_bytes(reply.get(9..12)?).ok()?;
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
        StatusCode::BAD_REQUEST if unknown_coding => Problem::transfer_coding(),
        StatusCode::BAD_REQUEST => Problem::bad_request("The request is not valid HTTP."),
        _ => return None,
    };
    let (status, id) = (problem.status(), RequestId::generate());
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
    use super::problem_for;

    #[test]
    fn only_replies_of_hyper_are_replaced() {
        let own = b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\ndate: x\r\n\r\n";
        let replaced =
            String::from_utf8(problem_for(own, false).expect("a problem")).expect("text");
        assert!(
            replaced.contains("\"code\":\"header_too_large\"")
                && replaced.contains("connection: close"),
            "{replaced}"
        );
        for other in [
            &b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"[..],
            b"HTTP/1.1 404 Not Found\r\ncontent-length: 12\r\n\r\n",
            b"HTTP/1.1 400 Bad Request\r\ncontent-length: 2\r\n\r\n{}",
            b"",
        ] {
            assert!(problem_for(other, true).is_none());
        }
    }
}
