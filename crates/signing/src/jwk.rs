//! Reads a JWK Set with private Ed25519 keys. No error shows anything of its content but ids.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use ed25519_dalek::SigningKey;
use secrecy::{ExposeSecret, SecretBox, SecretString};
use serde::{Deserialize, Deserializer};
use thiserror::Error;

use crate::key::Key;

/// The most keys of a set. Verifying a token looks at each.
const KEYS_MAX: usize = 8;
/// The most characters of an id.
const ID_CHARS_MAX: usize = 64;

/// Why a text is not a set of signing keys.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum KeySetError {
    /// It is not JSON, or of another form. The parser's own message could quote a secret.
    #[error("expected a JWK Set in JSON: wrong at line {line}, column {column}")]
    Json {
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
    },
    /// It has no key.
    #[error("the JWK Set has no key")]
    Empty,
    /// It has too many keys.
    #[error("the JWK Set has {0} keys; at most {KEYS_MAX} are accepted")]
    TooMany(usize),
    /// One of its keys is wrong.
    #[error("key {position}: {error}")]
    Key {
        /// The position of the key in the set, from 1.
        position: usize,
        /// The reason.
        error: KeyError,
    },
}

/// Why a key is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum KeyError {
    /// It is not an Ed25519 key.
    #[error(r#""kty" must be "OKP" and "crv" must be "Ed25519""#)]
    Kind,
    /// It has no id, or an unusable one.
    #[error(r#""kid" must be 1 to {ID_CHARS_MAX} characters of A-Z, a-z, 0-9, "_" and "-""#)]
    Id,
    /// Another key has the same id.
    #[error(r#""kid" {0:?} is the id of an earlier key"#)]
    DuplicateId(String),
    /// It has no private key, or a malformed one.
    #[error(r#""d" (hidden) must be 32 bytes in Base64url without padding"#)]
    PrivateKey,
    /// It has no public key, or a malformed one.
    #[error(r#""x" must be 32 bytes in Base64url without padding"#)]
    PublicKey,
    /// Its public key is that of another private key.
    #[error(r#""x" does not belong to "d""#)]
    Mismatch,
}

#[derive(Deserialize)]
struct JwkSet {
    keys: Vec<Jwk>,
}

/// A key of the set. Other members are ignored, as RFC 7517 requires.
#[derive(Deserialize)]
struct Jwk {
    kty: Option<String>,
    crv: Option<String>,
    kid: Option<String>,
    #[serde(default, deserialize_with = "secret_text")]
    d: Option<SecretString>,
    x: Option<String>,
    #[serde(default)]
    signs_tickets_from: u64,
}

fn secret_text<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<SecretString>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.map(SecretString::from))
}

/// The keys of a JWK Set, in its order.
pub(crate) fn parse(text: &[u8]) -> Result<Vec<Key>, KeySetError> {
    let set: JwkSet = serde_json::from_slice(text)
        .map_err(|error| KeySetError::Json { line: error.line(), column: error.column() })?;
    if set.keys.is_empty() {
        return Err(KeySetError::Empty);
    }
    if set.keys.len() > KEYS_MAX {
        return Err(KeySetError::TooMany(set.keys.len()));
    }
    let mut keys: Vec<Key> = Vec::with_capacity(set.keys.len());
    for (index, jwk) in set.keys.into_iter().enumerate() {
        let wrong = |error| KeySetError::Key { position: index + 1, error };
        let key = jwk.into_key().map_err(wrong)?;
        if keys.iter().any(|earlier| earlier.id() == key.id()) {
            return Err(wrong(KeyError::DuplicateId(key.id().to_owned())));
        }
        keys.push(key);
    }
    Ok(keys)
}

impl Jwk {
    fn into_key(self) -> Result<Key, KeyError> {
        if self.kty.as_deref() != Some("OKP") || self.crv.as_deref() != Some("Ed25519") {
            return Err(KeyError::Kind);
        }
        let id = self.kid.filter(|id| is_id(id)).ok_or(KeyError::Id)?;
        let secret = self.d.as_ref().and_then(secret_bytes).ok_or(KeyError::PrivateKey)?;
        let public = self.x.as_deref().and_then(public_bytes).ok_or(KeyError::PublicKey)?;
        let pair = SigningKey::from_bytes(secret.expose_secret());
        if *pair.verifying_key().as_bytes() != public {
            return Err(KeyError::Mismatch);
        }
        Ok(Key::new(id, pair, self.signs_tickets_from))
    }
}

fn is_id(text: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    (1..=ID_CHARS_MAX).contains(&text.len()) && text.bytes().all(is_allowed)
}

fn secret_bytes(text: &SecretString) -> Option<SecretBox<[u8; 32]>> {
    let decoded = BASE64_URL_SAFE_NO_PAD.decode(text.expose_secret()).ok()?;
    let decoded = SecretBox::new(decoded.into_boxed_slice());
    let exact = <&[u8; 32]>::try_from(decoded.expose_secret()).ok()?;
    Some(SecretBox::new(Box::new(*exact)))
}

fn public_bytes(text: &str) -> Option<[u8; 32]> {
    BASE64_URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()
}
