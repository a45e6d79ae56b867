//! The header `Idempotency-Key`.

use axum::extract::FromRequestParts;
use http::{HeaderMap, HeaderName, request::Parts};

use crate::problem::Problem;

/// Longest key, bytes.
const KEY_MAX_BYTES: usize = 255;

/// The header `Idempotency-Key`, quoted (`"abc"`, with `\"` and `\\`) or bare; 1 to 255 printable
/// ASCII characters. Rejects with 400 when it is malformed or repeated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey(pub Option<String>);

impl IdempotencyKey {
    /// Name of the header.
    pub const HEADER: HeaderName = HeaderName::from_static("idempotency-key");

    /// Reads the key from `headers`.
    ///
    /// # Errors
    /// A 400 problem when the header is malformed or repeated.
    pub fn from_headers(headers: &HeaderMap) -> Result<Self, Problem> {
        let mut values = headers.get_all(Self::HEADER).iter();
        let Some(value) = values.next() else { return Ok(Self(None)) };
        if values.next().is_some() {
            return Err(malformed("it is repeated"));
        }
        let text = value
            .to_str()
            .map_err(|_| malformed("it contains characters that are not printable ASCII"))?
            .trim();
        let key = if text.starts_with('"') { unquote(text)? } else { text.to_owned() };
        if key.is_empty() || key.len() > KEY_MAX_BYTES {
            return Err(malformed("it must have 1 to 255 characters"));
        }
        if !key.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
            return Err(malformed("it contains characters that are not printable ASCII"));
        }
        Ok(Self(Some(key)))
    }
}

impl<S: Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Self::from_headers(&parts.headers)
    }
}

/// A structured-field string (RFC 9651).
fn unquote(text: &str) -> Result<String, Problem> {
    let mut key = String::with_capacity(text.len());
    let mut chars = text[1..].chars();
    loop {
        match chars.next() {
            Some('"') if chars.as_str().is_empty() => return Ok(key),
            Some('"') => return Err(malformed("something follows the closing quote")),
            Some('\\') => match chars.next() {
                Some(escaped @ ('"' | '\\')) => key.push(escaped),
                _ => return Err(malformed("a backslash may only escape a quote or a backslash")),
            },
            Some(char) => key.push(char),
            None => return Err(malformed("the closing quote is missing")),
        }
    }
}

fn malformed(why: &str) -> Problem {
    Problem::bad_request(format!("The header Idempotency-Key is not accepted: {why}."))
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue};

    use super::IdempotencyKey;

    fn parse(values: &[&[u8]]) -> Result<Option<String>, u16> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(
                IdempotencyKey::HEADER,
                HeaderValue::from_bytes(value).expect("a header value"),
            );
        }
        IdempotencyKey::from_headers(&headers)
            .map(|key| key.0)
            .map_err(|problem| problem.status().as_u16())
    }

    #[test]
    fn quoted_and_bare_keys_are_the_same() {
        assert_eq!(parse(&[]), Ok(None));
        assert_eq!(parse(&[b"abc-1"]), Ok(Some("abc-1".into())));
        assert_eq!(parse(&[b"\"abc-1\""]), Ok(Some("abc-1".into())));
        assert_eq!(parse(&[br#""a\"b\\c""#]), Ok(Some(r#"a"b\c"#.into())));
        assert_eq!(parse(&["x".repeat(255).as_bytes()]), Ok(Some("x".repeat(255))));
    }

    #[test]
    fn a_malformed_key_is_400() {
        let long = "x".repeat(256);
        let cases: [&[&[u8]]; 8] = [
            &[b""],
            &[b"\"\""],
            &[long.as_bytes()],
            &[b"\"abc"],
            &[b"\"a\"b"],
            &[br#""a\n""#],
            &["schlüssel".as_bytes()],
            &[b"a", b"a"],
        ];
        for case in cases {
            assert_eq!(parse(case), Err(400), "{case:?}");
        }
    }
}
