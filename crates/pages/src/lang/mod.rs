//! The languages, one file each.

mod de;
mod en;
mod es;
mod pt;
mod texts;

use std::convert::Infallible;

use axum::{extract::FromRequestParts, http::request::Parts};
use http::header;
pub use texts::Texts;

/// The longest `Accept-Language` that is read, bytes.
const HEADER_BYTES_MAX: usize = 512;

const ALL: [&Texts; 4] = [&en::TEXTS, &de::TEXTS, &pt::TEXTS, &es::TEXTS];

impl Texts {
    /// The texts in the language that `header` prefers, English by default. Of a tag such as
    /// `de-AT` only the language counts (RFC 4647, section 3.4).
    pub fn preferred(header: &str) -> &'static Self {
        let header = if header.len() > HEADER_BYTES_MAX { "" } else { header };
        let mut wanted: Vec<_> = header.split(',').filter_map(weighted).collect();
        // Stable: of equal weights the first counts.
        wanted.sort_by_key(|(_, weight)| std::cmp::Reverse(*weight));
        let known = |language: &str| {
            ALL.into_iter().find(|texts| texts.code.eq_ignore_ascii_case(language))
        };
        wanted.iter().find_map(|(language, _)| known(language)).unwrap_or(&en::TEXTS)
    }
}

/// The language of a range, and its weight in thousandths; `None` when it is excluded or malformed.
fn weighted(range: &str) -> Option<(&str, u16)> {
    let (tag, weight) = match range.split_once(';') {
        None => (range, 1_000),
        Some((tag, weight)) => (tag, thousandths(weight.trim().strip_prefix("q=")?)?),
    };
    Some((tag.trim().split('-').next()?, weight)).filter(|(_, weight)| *weight > 0)
}

fn thousandths(weight: &str) -> Option<u16> {
    let (whole, fraction) = weight.split_once('.').unwrap_or((weight, ""));
    let is_valid = fraction.len() <= 3 && fraction.bytes().all(|byte| byte.is_ascii_digit());
    let fraction = format!("{fraction:0<3}").parse::<u16>().ok().filter(|_| is_valid)?;
    let whole = whole.parse::<u16>().ok().filter(|whole| *whole <= 1)?;
    Some(whole * 1_000 + fraction).filter(|weight| *weight <= 1_000)
}

/// The texts in the language of the caller.
pub struct Language(pub &'static Texts);

impl<S: Sync> FromRequestParts<S> for Language {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let header = parts.headers.get(header::ACCEPT_LANGUAGE);
        let header = header.and_then(|value| value.to_str().ok()).unwrap_or_default();
        Ok(Self(Texts::preferred(header)))
    }
}

/// `text` with `value` in the place of `{}`.
pub fn with(text: &str, value: impl std::fmt::Display) -> String {
    text.replacen("{}", &value.to_string(), 1)
}

/// The form of `texts` for a number, with the number in it.
pub fn counted(texts: [&str; 2], number: u64) -> String {
    with(texts[usize::from(number != 1)], number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn language_follows_the_header() {
        for (header, code) in [
            ("", "en"),
            ("de", "de"),
            ("de-AT, en;q=0.5", "de"),
            ("fr, es;q=0.7, en;q=0.3", "es"),
            ("pt-BR,pt;q=0.9", "pt"),
            ("en-GB", "en"),
            ("ja", "en"),
            ("*", "en"),
            ("de;q=0", "en"),
            (";;;,,,=", "en"),
            ("es;q=x", "en"),
            ("es;q=NaN", "en"),
            ("es;q=1.5", "en"),
            ("de;q=0.001, es;q=0.01", "es"),
            ("DE", "de"),
        ] {
            assert_eq!(Texts::preferred(header).code, code, "{header}");
        }
        assert_eq!(Texts::preferred(&"de,".repeat(200)).code, "en");
    }

    #[test]
    fn texts_take_their_numbers() {
        for texts in ALL {
            for counted_texts in [texts.left, texts.held, texts.limit] {
                assert!(counted(counted_texts, 1).contains('1'), "{}", texts.code);
                assert!(counted(counted_texts, 23).contains("23"), "{}", texts.code);
            }
            for text in [texts.opens, texts.held_until, texts.ticket, texts.queue.opens] {
                assert_eq!(text.matches("{}").count(), 1, "{}: {text}", texts.code);
            }
            for text in [texts.queue.ahead, texts.queue.wait] {
                assert_eq!(text.matches("{}").count(), 1, "{}: {text}", texts.code);
            }
        }
    }
}
