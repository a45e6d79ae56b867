//! The precondition `If-Match` (RFC 9110, section 13.1.1).

use http::{HeaderMap, header};
use http_server::Problem;

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
        let (mut present, mut tags) = (false, 0);
        for value in headers.get_all(header::IF_MATCH) {
            present = true;
            let text = value.to_str().map_err(|_| {
                Problem::bad_request("The header If-Match is not a list of entity tags.")
            })?;
            if text.trim() == "*" {
                return Ok(Some(Self::Any));
            }
            let mut rest = text;
            loop {
                // Empty places in a list are allowed.
                rest = rest.trim_start_matches([',', ' ', '\t']);
                if rest.is_empty() {
                    break;
                }
                let (tag, after) = first_tag(rest).ok_or_else(|| {
                    Problem::bad_request("The header If-Match is not a list of entity tags.")
                })?;
                // A weak tag never matches here, and neither does one that was not ours; both are
                // well-formed.
                versions.extend(tag.and_then(|tag| tag.parse::<u64>().ok()));
                rest = after;
                tags += 1;
            }
        }
        if present && tags == 0 {
            return Err(Problem::bad_request("The header If-Match names no entity tag."));
        }
        Ok(present.then_some(Self::Versions(versions)))
    }
}

/// The first tag of a list, `None` inside where it is a weak one, and what follows it. A tag may
/// have commas in it.
fn first_tag(list: &str) -> Option<(Option<&str>, &str)> {
    let weak = list.strip_prefix("W/");
    let (tag, after) = weak.unwrap_or(list).strip_prefix('"')?.split_once('"')?;
    let next = after.trim_start();
    let ends = next.is_empty() || next.starts_with(',');
    let is_tag = tag.bytes().all(|byte| byte == b'!' || (b'#'..=b'~').contains(&byte));
    (is_tag && ends).then_some((weak.is_none().then_some(tag), next))
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
        assert_eq!(
            parse(&["\"3\", \"x\"", "W/\"4\", \"5\""]),
            Ok(Some(IfMatch::Versions(vec![3, 5])))
        );
        assert_eq!(
            parse(&["\"a,b\",\"6\" , W/\"\""]),
            Ok(Some(IfMatch::Versions(vec![6]))),
            "a comma inside of a tag is part of it"
        );
        assert_eq!(parse(&["\"7\"", "\"8\""]), Ok(Some(IfMatch::Versions(vec![7, 8]))));
        assert_eq!(parse(&[", \"9\" ,,"]), Ok(Some(IfMatch::Versions(vec![9]))));
        for malformed in
            ["", " , ,", "3", "\"3", "\"3\" \"4\"", "\"3\"x", "w/\"3\"", "\"3\", *", "\"a b\""]
        {
            assert_eq!(parse(&[malformed]), Err(400), "{malformed}");
        }
    }
}
