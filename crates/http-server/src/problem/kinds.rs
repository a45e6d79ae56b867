//! The problems that all services share.

use std::borrow::Cow;

use http::StatusCode;

use super::Problem;

type Detail = Cow<'static, str>;

impl Problem {
    /// 400: the body is not JSON.
    pub fn malformed_json(detail: impl Into<Detail>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed_json", "Malformed JSON", detail)
    }

    /// 400: a header or another part of the request is malformed.
    pub fn bad_request(detail: impl Into<Detail>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_request", "Bad request", detail)
    }

    /// 401 with `WWW-Authenticate: Bearer`.
    pub fn unauthorized(detail: impl Into<Detail>) -> Self {
        Self {
            challenge: true,
            ..Self::new(StatusCode::UNAUTHORIZED, "unauthorized", "Unauthorized", detail)
        }
    }

    /// 403.
    pub fn forbidden(detail: impl Into<Detail>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", "Forbidden", detail)
    }

    /// 404.
    pub fn not_found(detail: impl Into<Detail>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "Not found", detail)
    }

    /// 405.
    pub fn method_not_allowed(detail: impl Into<Detail>) -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method_not_allowed",
            "Method not allowed",
            detail,
        )
    }

    /// 408: the body did not arrive in time.
    pub fn request_timeout(detail: impl Into<Detail>) -> Self {
        Self::new(StatusCode::REQUEST_TIMEOUT, "request_timeout", "Request timeout", detail)
    }

    /// 412: a precondition of the request does not hold.
    pub fn precondition_failed(detail: impl Into<Detail>) -> Self {
        Self::new(
            StatusCode::PRECONDITION_FAILED,
            "precondition_failed",
            "Precondition failed",
            detail,
        )
    }

    /// 413: the body is larger than `max_bytes`.
    #[must_use]
    pub fn body_too_large(max_bytes: usize) -> Self {
        let detail = format!("The body is larger than {max_bytes} bytes.");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", "Body too large", detail)
    }

    /// 415.
    pub fn unsupported_media_type(detail: impl Into<Detail>) -> Self {
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            "Unsupported media type",
            detail,
        )
    }

    /// 415: a body in a content coding such as gzip.
    #[must_use]
    pub fn content_coding() -> Self {
        Self {
            plain_only: true,
            ..Self::unsupported_media_type("Send the body without Content-Encoding.")
        }
    }

    /// 501: a transfer coding other than chunked.
    #[must_use]
    pub fn transfer_coding() -> Self {
        Self::new(
            StatusCode::NOT_IMPLEMENTED,
            "transfer_coding",
            "Transfer coding not implemented",
            "Send the body with Content-Length, or with Transfer-Encoding: chunked alone.",
        )
    }

    /// 422: well formed, but not accepted.
    pub fn validation(detail: impl Into<Detail>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "validation", "Validation failed", detail)
    }

    /// 500. Log the cause; do not put it in `detail`.
    pub fn internal(detail: impl Into<Detail>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "Internal error", detail)
    }

    /// 508: the request goes in a circle.
    pub fn loop_detected(detail: impl Into<Detail>) -> Self {
        Self::new(StatusCode::LOOP_DETECTED, "loop_detected", "Loop detected", detail)
    }

    /// 503 with `Retry-After`, from `retry_after_s` to twice that: the server is overloaded or
    /// draining, or a dependency is down.
    pub fn overloaded(detail: impl Into<Detail>, retry_after_s: u32) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "overloaded", "Overloaded", detail)
            .retry_after_about_s(retry_after_s)
    }

    /// 503 with `Retry-After`: no response within the deadline. The caller does not know the
    /// outcome of a write.
    #[must_use]
    pub fn deadline_exceeded() -> Self {
        let detail = "No response within the deadline; a write may still take effect. Retry with the same Idempotency-Key.";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "deadline_exceeded", "Deadline exceeded", detail)
            .retry_after_about_s(1)
    }
}
