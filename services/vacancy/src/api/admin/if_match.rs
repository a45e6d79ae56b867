//! The precondition `If-Match` (RFC 9110, section 13.1.1).

use http::{HeaderMap, header};
use serving::Problem;

/// Which versions the caller accepts.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum IfMatch {
    /// Any, but there must be one.
    Any,
    /// One of these.
    Versions(Vec<u64>),
}

impl IfMatch {
    pub(super) fn from_headers(headers: &HeaderMap) -> Result<Option<Self>, Problem> {
        let mut versions = Vec::new();
        let mut present = false;
        for value in headers.get_all(header::IF_MATCH) {
            present = true;
            let text = value.to_str().map_err(|_| Problem::bad_request("The header If-Match is not a list of entity tags."))?;
            if text.trim() == "*" {
                return Ok(Some(Self::Any));
            }
            for tag in text.split(',').map(str::trim).filter(|tag| !tag.is_empty()) {
                // A weak tag never matches here, and neither does one that was not ours; both are well-formed.
                let tag = tag.strip_prefix("W/").map_or(Some(tag), |_| None);
                let Some(tag) = tag else { continue };
                let inner = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"'));
                let inner = inner.ok_or_else(|| Problem::bad_request("The header If-Match is not a list of entity tags."))?;
                versions.extend(inner.parse::<u64>().ok());
            }
        }
        Ok(present.then_some(Self::Versions(versions)))
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn parse(values: &[&'static str]) -> Result<Option<IfMatch>, u16> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::IF_MATCH, HeaderValue::from_static(value));
        }
        IfMatch::from_headers(&headers).map_err(|problem| problem.status().as_u16())
    }

    #[test]
    fn lists_weak_tags_and_stars() {
        assert_eq!(parse(&[]), Ok(None));
        assert_eq!(parse(&["*"]), Ok(Some(IfMatch::Any)));
        assert_eq!(parse(&["\"3\", \"x\"", "W/\"4\", \"5\""]), Ok(Some(IfMatch::Versions(vec![3, 5]))));
        assert_eq!(parse(&["3"]), Err(400));
    }
}
