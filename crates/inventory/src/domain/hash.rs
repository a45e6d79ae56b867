//! The hash that chains records.

use std::fmt;

use sha2::{Digest, Sha256};

/// The SHA-256 of a record's body.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Hash([u8; 32]);

impl Hash {
    /// The `prev` of the first record of an event.
    pub const ZERO: Self = Self([0; 32]);

    /// The hash of `body`.
    #[must_use]
    pub fn of(body: &[u8]) -> Self {
        Self(Sha256::digest(body).into())
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The hash with these bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(&self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl serde::Serialize for Hash {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut text = [0; 64];
        to.serialize_str(hex::encode_into(&self.0, &mut text))
    }
}

impl<'de> serde::Deserialize<'de> for Hash {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(from)?;
        hex::decode(&text)
            .map(Self)
            .ok_or_else(|| serde::de::Error::custom("a hash is 64 hexadecimal digits"))
    }
}

/// Lower-case hexadecimal.
pub mod hex {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";

    /// `bytes` as text.
    #[must_use]
    pub fn encode(bytes: &[u8]) -> String {
        bytes
            .iter()
            .flat_map(|byte| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]])
            .map(char::from)
            .collect()
    }

    /// `bytes` as text in `into`, which is twice as long.
    pub(crate) fn encode_into<'a>(bytes: &[u8], into: &'a mut [u8]) -> &'a str {
        for (pair, byte) in into.chunks_exact_mut(2).zip(bytes) {
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 15)];
        }
        std::str::from_utf8(into).unwrap_or_default()
    }

    /// The bytes that `text` names; `None` for anything but pairs of lower-case hexadecimal digits.
    #[must_use]
    pub fn decode_all(text: &str) -> Option<Vec<u8>> {
        let pairs = text.as_bytes().chunks(2);
        pairs.map(|pair| decode(std::str::from_utf8(pair).ok()?).map(|[byte]| byte)).collect()
    }

    /// The `N` bytes that `text` names; `None` for anything but 2 N lower-case hexadecimal digits.
    #[must_use]
    pub fn decode<const N: usize>(text: &str) -> Option<[u8; N]> {
        let digits = text.as_bytes();
        if digits.len() != 2 * N {
            return None;
        }
        let value = |digit: u8| {
            DIGITS.iter().position(|known| *known == digit).and_then(|at| u8::try_from(at).ok())
        };
        let mut bytes = [0; N];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = value(pair[0])? << 4 | value(pair[1])?;
        }
        Some(bytes)
    }
}
