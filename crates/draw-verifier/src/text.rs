//! Places and hashes, and their text forms.

use std::{fmt, marker::PhantomData};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::{Deserialize, Deserializer, de};
use sha2::{Digest, Sha256};

/// The length of a leaf's text.
const LEAF_CHARS: usize = 43;

/// A value with a text form.
trait FromText: Sized {
    const FORM: &str;

    fn from_text(text: &str) -> Option<Self>;
}

/// Reads a text without a copy of it.
struct TextVisitor<T>(PhantomData<T>);

impl<T: FromText> de::Visitor<'_> for TextVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::FORM)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        T::from_text(text).ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
    }
}

/// The public name of a place.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Leaf([u8; 32]);

impl Leaf {
    /// The leaf of the place that was joined with the idempotency key `key`.
    #[must_use]
    pub fn of(event: &str, queue: u64, key: &str) -> Self {
        let mut digest = Sha256::new();
        digest.update(format!("ticket-system place v1\0{event}\0{queue}\0{key}"));
        Self(digest.finalize().into())
    }

    /// The leaf with these bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The leaf with this text: base64url without padding.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::from_text(text)
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl AsRef<[u8]> for Leaf {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for Leaf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64_URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl fmt::Debug for Leaf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromText for Leaf {
    const FORM: &str = "a place: 43 characters of base64url";

    fn from_text(text: &str) -> Option<Self> {
        if text.len() != LEAF_CHARS {
            return None;
        }
        let mut bytes = [0; 32];
        let len = BASE64_URL_SAFE_NO_PAD.decode_slice(text, &mut bytes).ok()?;
        (len == bytes.len()).then_some(Self(bytes))
    }
}

impl<'de> Deserialize<'de> for Leaf {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_str(TextVisitor(PhantomData))
    }
}

/// `N` bytes in lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Hex<const N: usize>(pub [u8; N]);

impl<const N: usize> fmt::Display for Hex<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&const_hex::encode(self.0))
    }
}

impl<const N: usize> fmt::Debug for Hex<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<const N: usize> FromText for Hex<N> {
    const FORM: &str = "lower-case hexadecimal digits of the right number";

    fn from_text(text: &str) -> Option<Self> {
        HexBytes::from_text(text)?.0.try_into().ok().map(Self)
    }
}

impl<'de, const N: usize> Deserialize<'de> for Hex<N> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_str(TextVisitor(PhantomData))
    }
}

/// Bytes in lower-case hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HexBytes(pub Vec<u8>);

impl FromText for HexBytes {
    const FORM: &str = "lower-case hexadecimal digits";

    fn from_text(text: &str) -> Option<Self> {
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        text.bytes().all(is_digit).then(|| const_hex::decode(text).ok())?.map(Self)
    }
}

impl<'de> Deserialize<'de> for HexBytes {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_str(TextVisitor(PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEAF: &str = "2a7TRpVxh0gvjU6In1FbNyeQIiRBOhrRZ-HdcgUVNGA";

    #[test]
    fn leaf_is_the_hash_of_event_queue_and_key() {
        // printf 'ticket-system place v1\0opera\x0042\0k-1' | sha256sum, in base64url
        let leaf = Leaf::of("opera", 42, "k-1");
        assert_eq!(leaf.to_string(), LEAF);
        assert_eq!(Leaf::parse(LEAF), Some(leaf));
    }

    #[test]
    fn other_forms_of_texts_are_refused() {
        // The last character has two bits that no byte takes.
        let loose = LEAF[..42].to_owned() + "B";
        let standard = LEAF.replace('-', "+");
        for text in ["", &LEAF[..42], &format!("{LEAF}="), &loose, &standard] {
            assert_eq!(Leaf::parse(text), None, "{text}");
        }
        for text in ["AB", "0xab", "a", "abcdef", "0x01"] {
            assert!(serde_json::from_str::<Hex<2>>(&format!("\"{text}\"")).is_err(), "{text}");
        }
        assert_eq!(serde_json::from_str::<Hex<2>>("\"ab01\"").unwrap(), Hex([0xab, 1]));
    }
}
