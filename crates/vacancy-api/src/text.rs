//! Free text of requests: customers and references to payments. Two texts that look the same are
//! the same, so that a limit per customer cannot be evaded by another spelling.

use inventory::{CustomerId, PaymentRef};
use serde::{Deserialize, Deserializer, de::Error};
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

/// The rule in words.
const RULE: &str = "1 to 128 characters besides leading and trailing spaces, without control characters and invisible or \
                    direction-changing characters";

/// The rule as a regular expression, with the characters themselves where an escape would not be
/// portable. Length and spaces at the ends have no part in it.
pub(crate) const PATTERN: &str = concat!(
    r"^[^\u0000-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f",
    r"\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb",
    "\u{1bca0}-\u{1bca3}\u{1d173}-\u{1d17a}\u{e0000}-\u{e0fff}",
    r"]*$"
);

/// A customer of a request.
pub(crate) fn customer<'de, D: Deserializer<'de>>(from: D) -> Result<Option<CustomerId>, D::Error> {
    optional(from, |text| CustomerId::new(text).ok(), "customer")
}

/// A reference to a payment of a request.
pub(crate) fn payment_ref<'de, D: Deserializer<'de>>(
    from: D,
) -> Result<Option<PaymentRef>, D::Error> {
    optional(from, |text| PaymentRef::new(text).ok(), "payment_ref")
}

/// A reference to a payment that a request must have.
pub(crate) fn required_payment_ref<'de, D: Deserializer<'de>>(
    from: D,
) -> Result<PaymentRef, D::Error> {
    let value = normalize(String::deserialize(from)?).and_then(|text| PaymentRef::new(&text).ok());
    value.ok_or_else(|| D::Error::custom(format_args!("ref must be {RULE}")))
}

fn optional<'de, D: Deserializer<'de>, T>(
    from: D,
    of: impl Fn(&str) -> Option<T>,
    what: &str,
) -> Result<Option<T>, D::Error> {
    let Some(text) = Option::<String>::deserialize(from)? else { return Ok(None) };
    let value = normalize(text).and_then(|text| of(&text));
    value.map(Some).ok_or_else(|| D::Error::custom(format_args!("{what} must be {RULE}")))
}

/// `text` without spaces at its ends, in Unicode's composed form (NFC); `None` if it has characters
/// that cannot be seen.
fn normalize(text: String) -> Option<String> {
    if text.chars().any(is_hidden) {
        return None;
    }
    let trimmed = text.trim();
    match is_nfc_quick(trimmed.chars()) {
        IsNormalized::Yes if trimmed.len() == text.len() => Some(text),
        IsNormalized::Yes => Some(trimmed.to_owned()),
        IsNormalized::No | IsNormalized::Maybe => Some(trimmed.nfc().collect()),
    }
}

/// Control characters, and what Unicode calls default ignorable:
/// zero-width and direction-changing characters, fillers, variation selectors, tags.
fn is_hidden(char: char) -> bool {
    if char.is_ascii() {
        return char.is_ascii_control();
    }
    matches!(char,
        '\u{80}'..='\u{9f}'
        | '\u{ad}'
        | '\u{34f}'
        | '\u{61c}'
        | '\u{115f}'..='\u{1160}'
        | '\u{17b4}'..='\u{17b5}'
        | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}'
        | '\u{ffa0}'
        | '\u{fff0}'..='\u{fffb}'
        | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<String, String> {
        let json = serde_json::json!(text);
        let read = customer(json).map_err(|error| error.to_string())?;
        Ok(read.map(|customer| customer.to_string()).unwrap_or_default())
    }

    #[test]
    fn spellings_that_look_the_same_are_the_same() {
        for (text, customer) in [
            ("c-1", "c-1"),
            (" c-1\u{3000}", "c-1"),
            ("\u{a0}c 1 ", "c 1"),
            ("Zoe\u{308}", "Zo\u{eb}"),
            ("Zo\u{eb}", "Zo\u{eb}"),
            ("\u{212b}", "\u{c5}"),
            ("\u{1112}\u{1161}\u{11ab}", "\u{d55c}"),
            ("a\u{323}\u{307}", "\u{1ea1}\u{307}"),
            ("a\u{307}\u{323}", "\u{1ea1}\u{307}"),
            ("\u{1f3ab}", "\u{1f3ab}"),
        ] {
            assert_eq!(read(text).as_deref(), Ok(customer), "{text:?}");
        }
        assert_eq!(customer(serde_json::Value::Null).ok(), Some(None));
    }

    #[test]
    fn what_cannot_be_seen_is_refused() {
        for hidden in [
            '\0',
            '\t',
            '\n',
            '\u{7f}',
            '\u{85}',
            '\u{ad}',
            '\u{200b}',
            '\u{200d}',
            '\u{200e}',
            '\u{202e}',
            '\u{2060}',
            '\u{2066}',
            '\u{fe0f}',
            '\u{feff}',
            '\u{3164}',
            '\u{e0041}',
        ] {
            for text in [format!("a{hidden}b"), format!("{hidden}a"), format!("a{hidden}")] {
                let error = read(&text).expect_err(&text);
                assert_eq!(error, format!("customer must be {RULE}"), "{text:?}");
            }
        }
        for empty in ["", " ", "\u{3000}\u{a0}"] {
            assert!(read(empty).is_err(), "{empty:?}");
        }
        assert!(read(&"x".repeat(129)).is_err());
        assert!(read(&format!("  {}  ", "\u{1f3ab}".repeat(128))).is_ok());
        assert!(payment_ref(serde_json::json!("p\u{200b}")).is_err());
    }
}
