//! Conditional requests (RFC 9110, section 13): `If-Match` and `If-None-Match`.

use axum::extract::FromRequestParts;
use http::{HeaderMap, HeaderName, header, request::Parts};

use crate::problem::Problem;

/// The preconditions of a request. Rejects with 400 when one is malformed. `If-Modified-Since` and
/// `If-Unmodified-Since` do not count: no resource has a date of modification.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Preconditions {
    if_match: Option<Tags>,
    if_none_match: Option<Tags>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Tags {
    /// `*`: any representation.
    Any,
    List(Vec<Tag>),
}

/// An entity tag (section 8.8.3), without its quotes.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Tag {
    text: String,
    weak: bool,
}

/// The precondition that does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unmet {
    /// `If-Match`: 412.
    Match,
    /// `If-None-Match`: 304 for GET and HEAD, else 412.
    NoneMatch,
}

impl Preconditions {
    /// Reads them from `headers`.
    ///
    /// # Errors
    /// A 400 problem when a header is malformed.
    pub fn from_headers(headers: &HeaderMap) -> Result<Self, Problem> {
        Ok(Self {
            if_match: Tags::from_headers(headers, &header::IF_MATCH)?,
            if_none_match: Tags::from_headers(headers, &header::IF_NONE_MATCH)?,
        })
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.if_match.is_none() && self.if_none_match.is_none()
    }

    /// Whether the request may only create: `If-None-Match: *`.
    #[must_use]
    pub fn only_create(&self) -> bool {
        self.if_none_match == Some(Tags::Any)
    }

    /// Whether they hold for a resource that `exists`, where `is_current` tells the tags of its
    /// current representation, in the order of section 13.2.2. Weak tags never match in `If-Match`,
    /// and match like strong ones in `If-None-Match`.
    ///
    /// # Errors
    /// [`Unmet`], the first that does not hold.
    pub fn check(&self, exists: bool, is_current: impl Fn(&str) -> bool) -> Result<(), Unmet> {
        let matches = |tags: &Tags, weak: bool| match tags {
            Tags::Any => exists,
            Tags::List(tags) => {
                let comparable = tags.iter().filter(|tag| weak || !tag.weak);
                exists && comparable.map(|tag| tag.text.as_str()).any(&is_current)
            }
        };
        if self.if_match.as_ref().is_some_and(|tags| !matches(tags, false)) {
            return Err(Unmet::Match);
        }
        if self.if_none_match.as_ref().is_some_and(|tags| matches(tags, true)) {
            return Err(Unmet::NoneMatch);
        }
        Ok(())
    }
}

impl<S: Sync> FromRequestParts<S> for Preconditions {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Self::from_headers(&parts.headers)
    }
}

impl Tags {
    fn from_headers(headers: &HeaderMap, name: &HeaderName) -> Result<Option<Self>, Problem> {
        if !headers.contains_key(name) {
            return Ok(None);
        }
        let malformed = || {
            let title = if name == header::IF_MATCH { "If-Match" } else { "If-None-Match" };
            Problem::bad_request(format!(
                "The header {title} is not accepted: it must be a list of entity tags in quotes, or *."
            ))
        };
        let (mut tags, mut any) = (Vec::new(), 0);
        for value in headers.get_all(name) {
            // A tag may have bytes above ASCII; none of ours has.
            let value = String::from_utf8_lossy(value.as_bytes());
            if value.trim_matches([' ', '\t']) == "*" {
                any += 1;
                continue;
            }
            let mut rest = value.as_ref();
            loop {
                // Empty places in a list are allowed.
                rest = rest.trim_start_matches([',', ' ', '\t']);
                if rest.is_empty() {
                    break;
                }
                let (tag, after) = first_tag(rest).ok_or_else(malformed)?;
                tags.push(tag);
                rest = after;
            }
        }
        match (any, tags.is_empty()) {
            (1, true) => Ok(Some(Self::Any)),
            (0, false) => Ok(Some(Self::List(tags))),
            _ => Err(malformed()),
        }
    }
}

/// The first tag of a list, and what follows it. A tag may have commas in it.
fn first_tag(list: &str) -> Option<(Tag, &str)> {
    let weak = list.strip_prefix("W/");
    let (text, after) = weak.unwrap_or(list).strip_prefix('"')?.split_once('"')?;
    let next = after.trim_start_matches([' ', '\t']);
    let ends = next.is_empty() || next.starts_with(',');
    let is_tag =
        text.chars().all(|char| char == '!' || ('#'..='~').contains(&char) || char > '\x7f');
    (is_tag && ends).then(|| (Tag { text: text.to_owned(), weak: weak.is_some() }, next))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn parse(name: &HeaderName, values: &[&'static str]) -> Result<Preconditions, u16> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(name, HeaderValue::from_static(value));
        }
        Preconditions::from_headers(&headers).map_err(|problem| problem.status().as_u16())
    }

    fn check(if_match: &[&'static str], if_none_match: &[&'static str]) -> Result<(), Unmet> {
        let both = Preconditions {
            if_none_match: parse(&header::IF_NONE_MATCH, if_none_match)
                .expect("tags")
                .if_none_match,
            ..parse(&header::IF_MATCH, if_match).expect("tags")
        };
        both.check(true, |tag| tag == "3")
    }

    #[test]
    fn if_match_compares_strongly() {
        for met in [
            &[][..],
            &["*"],
            &[" * "],
            &["\"3\""],
            &["\"x\", \"3\""],
            &["W/\"3\",\"3\""],
            &["\"a,b\",\"3\" , W/\"\""],
            &["\"7\"", "\"3\""],
            &[", \"3\" ,,"],
        ] {
            assert_eq!(check(met, &[]), Ok(()), "{met:?}");
        }
        for unmet in [&["W/\"3\""][..], &["\"03\""], &["\"\""], &["\"a\",\"b\""]] {
            assert_eq!(check(unmet, &[]), Err(Unmet::Match), "{unmet:?}");
        }
    }

    #[test]
    fn if_none_match_compares_weakly() {
        for unmet in
            [&["*"][..], &["\"3\""], &["W/\"3\""], &["\"1\", W/\"3\""], &["\"1\"", "\"3\""]]
        {
            assert_eq!(check(&[], unmet), Err(Unmet::NoneMatch), "{unmet:?}");
        }
        for met in [&[][..], &["\"4\""], &["W/\"4\""], &["\"*\""]] {
            assert_eq!(check(&[], met), Ok(()), "{met:?}");
        }
        assert_eq!(check(&["\"4\""], &["\"3\""]), Err(Unmet::Match), "If-Match goes first");
        assert_eq!(check(&["\"3\""], &["*"]), Err(Unmet::NoneMatch));
        assert_eq!(check(&["\"3\""], &["\"4\""]), Ok(()));
    }

    #[test]
    fn of_what_does_not_exist_nothing_matches() {
        let none = |name, value| {
            parse(name, &[value]).expect("tags").check(false, |_| unreachable!("no tag is current"))
        };
        assert_eq!(none(&header::IF_MATCH, "*"), Err(Unmet::Match));
        assert_eq!(none(&header::IF_MATCH, "\"3\""), Err(Unmet::Match));
        assert_eq!(none(&header::IF_NONE_MATCH, "*"), Ok(()));
        assert_eq!(none(&header::IF_NONE_MATCH, "\"3\""), Ok(()));
    }

    #[test]
    fn malformed_headers_are_400() {
        for malformed in [
            &[""][..],
            &[" , ,"],
            &["3"],
            &["\"3"],
            &["\"3\" \"4\""],
            &["\"3\"x"],
            &["w/\"3\""],
            &["W/ \"3\""],
            &["\"3\", *"],
            &["*, *"],
            &["*", "*"],
            &["*", "\"3\""],
            &["\"a b\""],
            &["**"],
        ] {
            assert_eq!(parse(&header::IF_MATCH, malformed), Err(400), "{malformed:?}");
            assert_eq!(parse(&header::IF_NONE_MATCH, malformed), Err(400), "{malformed:?}");
        }
    }
}
