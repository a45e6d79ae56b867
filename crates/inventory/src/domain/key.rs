//! Idempotency keys: one key, one effect, one answer
//! (draft-ietf-httpapi-idempotency-key-header-07).

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{NameError, TimeMs, hash::hex};

/// A client's key for one request and its retries.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct IdempotencyKey(Arc<str>);

impl IdempotencyKey {
    /// The longest key, bytes.
    pub const LEN_MAX: usize = 255;

    /// Checks `text`: 1 to 255 printable ASCII characters.
    ///
    /// # Errors
    /// [`NameError`] with that rule.
    pub fn new(text: &str) -> Result<Self, NameError> {
        if text.is_empty()
            || text.len() > Self::LEN_MAX
            || !text.bytes().all(|b| (0x20..0x7f).contains(&b))
        {
            return Err(NameError {
                what: "idempotency key",
                rule: "1 to 255 printable ASCII characters",
            });
        }
        Ok(Self(text.into()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Serialize for IdempotencyKey {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.0)
    }
}

impl TryFrom<String> for IdempotencyKey {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        Self::new(&text)
    }
}

impl From<IdempotencyKey> for String {
    fn from(key: IdempotencyKey) -> Self {
        key.0.as_ref().to_owned()
    }
}

/// The intent of a request, in 128 bits: the same key with another fingerprint is a mistake of the
/// caller.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 16]);

impl Fingerprint {
    /// The first half of the SHA-256 of `intent`.
    #[must_use]
    pub fn of(intent: &[u8]) -> Self {
        let digest = Sha256::digest(intent);
        let mut half = [0; 16];
        half.copy_from_slice(&digest[..16]);
        Self(half)
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// The fingerprint with these bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(&self.0))
    }
}

impl Serialize for Fingerprint {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        if to.is_human_readable() {
            to.serialize_str(&hex::encode(&self.0))
        } else {
            self.0.serialize(to)
        }
    }
}

impl<'de> Deserialize<'de> for Fingerprint {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        if !from.is_human_readable() {
            return <[u8; 16]>::deserialize(from).map(Self);
        }
        let text = String::deserialize(from)?;
        hex::decode(&text)
            .map(Self)
            .ok_or_else(|| serde::de::Error::custom("a fingerprint is 32 hexadecimal digits"))
    }
}

/// The key that a record carries: written with its effect, in one piece.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyUse {
    /// Until when a retry finds its answer.
    pub expires_at_ms: TimeMs,
    /// The fingerprint of the request.
    pub fingerprint: Fingerprint,
    /// The key.
    pub key: IdempotencyKey,
}
