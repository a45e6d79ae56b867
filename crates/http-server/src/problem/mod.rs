//! Errors as RFC 9457 problems.

mod details;
mod fallback;
mod kinds;
mod response;

use std::borrow::Cow;

pub use details::ProblemDetails;
pub use fallback::{method_not_allowed, not_found};
use http::StatusCode;
pub(crate) use response::ProblemTail;
use serde_json::{Map, Value};

/// The prefix of `type`; the code follows.
pub const TYPE_PREFIX: &str = "urn:ticket-system:problem:";

/// Content type of a problem.
pub const CONTENT_TYPE: &str = "application/problem+json";

/// The longest detail, bytes. A detail may quote what the caller sent.
const DETAIL_BYTES_MAX: usize = 300;

/// An error response. Its text reaches the caller unchanged: no paths, no queries, no messages of
/// other systems.
///
/// The JSON members are `type`, `title`, `status`, `detail`, `error` (the title), `code`,
/// `retry_after_s` when set, the added members, and `request_id`, which the middleware adds.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{title}: {detail}")]
pub struct Problem {
    status: StatusCode,
    code: &'static str,
    title: &'static str,
    detail: Cow<'static, str>,
    retry_after_s: Option<u32>,
    challenge: bool,
    /// Whether `Accept-Encoding` says that bodies are accepted without a coding only.
    plain_only: bool,
    members: Option<Box<Map<String, Value>>>,
}

impl Problem {
    /// A problem with the stable identifier `code` (snake case) and its fixed `title`. A long
    /// `detail` is cut.
    pub fn new(
        status: StatusCode,
        code: &'static str,
        title: &'static str,
        detail: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            status,
            code,
            title,
            detail: shortened(detail.into()),
            retry_after_s: None,
            challenge: false,
            plain_only: false,
            members: None,
        }
    }

    /// Asks the caller to retry after `seconds`; also sent as `Retry-After`.
    #[must_use]
    pub fn retry_after_s(mut self, seconds: u32) -> Self {
        self.retry_after_s = Some(seconds);
        self
    }

    /// Asks the caller to retry after a random time between `seconds` and twice that, so that
    /// callers that are refused together do not return together.
    #[must_use]
    pub fn retry_after_about_s(self, seconds: u32) -> Self {
        let jitter_s = rand::random_range(0..=seconds);
        self.retry_after_s(seconds.saturating_add(jitter_s))
    }

    /// Adds a member such as `seq` or `remaining`. Members of the standard cannot be replaced.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.members.get_or_insert_default().insert(name.to_owned(), value.into());
        self
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The stable identifier.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// The occurrence, for the caller.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.detail
    }
}

/// `detail`, cut to [`DETAIL_BYTES_MAX`] and an ellipsis.
fn shortened(detail: Cow<'static, str>) -> Cow<'static, str> {
    if detail.len() <= DETAIL_BYTES_MAX {
        return detail;
    }
    format!("{}…", &detail[..detail.floor_char_boundary(DETAIL_BYTES_MAX)]).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_detail_is_cut_between_characters() {
        let problem = Problem::validation("é".repeat(400));
        assert_eq!(problem.detail(), format!("{}…", "é".repeat(150)));
        let problem = Problem::validation(format!("a{}", "é".repeat(400)));
        assert_eq!(problem.detail(), format!("a{}…", "é".repeat(149)));
        let whole = "a".repeat(DETAIL_BYTES_MAX);
        assert_eq!(Problem::validation(whole.clone()).detail(), whole);
    }
}
