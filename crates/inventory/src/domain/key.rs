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

    /// This key within `scope`: `~`, the hash of the scope, `~`, and the key, or its hash if that
    /// would be too long. Keys of different scopes never meet. The empty scope leaves the key as it
    /// is, unless it begins with `~` itself.
    pub(crate) fn in_scope(&self, scope: &str) -> Self {
        if scope.is_empty() && !self.0.starts_with(MARK) {
            return self.clone();
        }
        let hash = |text: &str| hex::encode(&Sha256::digest(text)[..SCOPE_BYTES]);
        let prefix = format!("{MARK}{}{MARK}", hash(scope));
        let fits = prefix.len() + self.0.len() <= Self::LEN_MAX;
        let key = if fits { self.0.as_ref() } else { &format!("{MARK}{}", hash(&self.0)) };
        Self((prefix + key).into())
    }

    /// The key without its scope, if it is in one.
    #[must_use]
    pub fn without_scope(&self) -> Option<Self> {
        self.scoped_text().and_then(|text| Self::new(text).ok())
    }

    /// The text that the client sent; of a key in a scope that was too long, its hash.
    #[must_use]
    pub fn client_text(&self) -> &str {
        self.scoped_text().unwrap_or(&self.0)
    }

    fn scoped_text(&self) -> Option<&str> {
        let (scope, text) = self.0.strip_prefix(MARK)?.split_at_checked(2 * SCOPE_BYTES)?;
        let is_hash = scope.bytes().all(|byte| byte.is_ascii_hexdigit());
        text.strip_prefix(MARK).filter(|text| is_hash && !text.is_empty())
    }
}

/// Marks the parts of a key in a scope.
const MARK: char = '~';
/// Bytes of the hash of a scope: 128 bits, so that none can be forged.
const SCOPE_BYTES: usize = 16;

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

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> IdempotencyKey {
        IdempotencyKey::new(text).unwrap()
    }

    #[test]
    fn keys_of_different_scopes_never_meet() {
        let long = "x".repeat(255);
        for text in ["a", "~", "order 1", &"y".repeat(221), &"y".repeat(222), &long] {
            let scopes = ["", "sale\nA", "sale\nB", "hold\nA"];
            let scoped = scopes.map(|scope| key(text).in_scope(scope));
            for (number, one) in scoped.iter().enumerate() {
                assert_eq!(IdempotencyKey::new(one.as_str()).as_ref(), Ok(one), "stays a key");
                assert!(!scoped[..number].contains(one), "{text}");
                assert_ne!(*one, key(&long.replace('x', "z")).in_scope(scopes[number]));
                // A client cannot send the key of another scope as its own.
                assert!(number == 0 || one.in_scope("") != *one, "{text}");
            }
        }
        assert_eq!(key("a").in_scope(""), key("a"));
        assert_eq!(key("a").in_scope("s"), key("a").in_scope("s"));
    }

    #[test]
    fn the_scope_can_be_taken_off() {
        assert_eq!(key("order-1").in_scope("s").without_scope(), Some(key("order-1")));
        assert_eq!(key("~x").in_scope("").without_scope(), Some(key("~x")));
        for plain in ["order-1", "~", "~~", "~abc~d", &format!("~{}~d", "g".repeat(32))] {
            assert_eq!((key(plain).without_scope(), key(plain).client_text()), (None, plain));
        }
        assert_eq!(key("order-1").in_scope("s").client_text(), "order-1");
    }
}
