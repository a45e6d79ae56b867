//! The keys of a system.

use std::{fmt, sync::Arc};

use serde_json::{Value, json};

use crate::{
    jwk::{self, KeySetError},
    key::{Key, private_jwk},
};

/// The signing keys of a system; clones share them. The first one signs, all of them verify.
#[derive(Clone)]
pub struct SigningKeys(Arc<Inner>);

struct Inner {
    /// In the order of the file; never empty.
    keys: Vec<Key>,
}

impl SigningKeys {
    /// Reads a JWK Set with private Ed25519 keys (RFC 8037).
    ///
    /// # Errors
    /// [`KeySetError`], which shows no key.
    pub fn from_jwks(text: &str) -> Result<Self, KeySetError> {
        Self::from_bytes(text.as_bytes())
    }

    pub(crate) fn from_bytes(text: &[u8]) -> Result<Self, KeySetError> {
        Ok(Self(Arc::new(Inner { keys: jwk::parse(text)? })))
    }

    /// The text of a JWK Set with one new key, which must be kept secret. `random` becomes the
    /// private key; the id is the thumbprint of the public key (RFC 7638).
    #[must_use]
    pub fn generate(random: [u8; 32]) -> String {
        format!("{{\"keys\":[{}]}}\n", private_jwk(&random))
    }

    /// The JWK Set of the public keys.
    #[must_use]
    pub fn public_jwks(&self) -> Value {
        let keys: Vec<_> = self.keys().iter().map(Key::public_jwk).collect();
        json!({ "keys": keys })
    }

    /// The id of the key that signs.
    #[must_use]
    pub fn signer_id(&self) -> &str {
        self.signer().id()
    }

    /// HMAC-SHA256 of `message` with the 32 bytes of the private key `kid`. `None` when there is
    /// no such key.
    #[must_use]
    pub fn derive(&self, kid: &str, message: &[u8]) -> Option<[u8; 32]> {
        self.keys().iter().find(|key| key.id() == kid).map(|key| key.derive(message))
    }

    pub(crate) fn signer(&self) -> &Key {
        &self.keys()[0]
    }

    pub(crate) fn keys(&self) -> &[Key] {
        &self.0.keys
    }
}

/// The same keys in the same order.
impl PartialEq for SigningKeys {
    fn eq(&self, other: &Self) -> bool {
        let (keys, others) = (self.keys(), other.keys());
        keys.len() == others.len() && keys.iter().zip(others).all(|(one, two)| one.is_same(two))
    }
}

impl Eq for SigningKeys {}

/// Shows the ids alone.
impl fmt::Debug for SigningKeys {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids: Vec<_> = self.keys().iter().map(Key::id).collect();
        formatter.debug_struct("SigningKeys").field("ids", &ids).finish_non_exhaustive()
    }
}
