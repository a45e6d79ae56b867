//! Places as the draw knows them.

use std::{fmt, str::FromStr};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};

use crate::text::ParseError;

/// Separates the leaf from every other hash of the system.
const DOMAIN: &str = "ticket-system place v1";
/// Length of the text form.
const TEXT_LEN: usize = 43;

/// A place: a hash that says nothing about the customer, but that the customer can recompute.
/// Its text is base64url without padding, 43 characters.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Leaf([u8; 32]);

impl Leaf {
    /// The place of the request to join with the idempotency key `key`.
    ///
    /// The parts are separated by NUL, which occurs in none of them.
    #[must_use]
    pub fn of(event: &str, queue: u64, key: &str) -> Self {
        let mut hash = Sha256::new();
        for part in [DOMAIN, event, &queue.to_string()] {
            hash.update(part);
            hash.update([0]);
        }
        hash.update(key);
        Self(hash.finalize().into())
    }

    /// The place with these bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Leaf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [0; TEXT_LEN];
        let written = BASE64_URL_SAFE_NO_PAD.encode_slice(self.0, &mut text);
        debug_assert_eq!(written, Ok(TEXT_LEN));
        f.pad(std::str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for Leaf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Leaf {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let wrong = ParseError("a place as 43 characters of base64url");
        if text.len() != TEXT_LEN {
            return Err(wrong);
        }
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| wrong)?;
        bytes.try_into().map(Self).map_err(|_| wrong)
    }
}

impl Serialize for Leaf {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        if to.is_human_readable() { to.collect_str(self) } else { self.0.serialize(to) }
    }
}

impl<'de> Deserialize<'de> for Leaf {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        if !from.is_human_readable() {
            return <[u8; 32]>::deserialize(from).map(Self);
        }
        let text = std::borrow::Cow::<'de, str>::deserialize(from)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
