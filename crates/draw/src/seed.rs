//! The seed of a draw.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{
    digest::Digest,
    text::{ParseError, hex},
};

/// Separates the seed from every other use of the signing key.
const DOMAIN: &str = "ticket-system draw seed v1";

/// The secret of a draw: committed to when the queue is set up, published when the draw is held.
/// Its text is 64 lower-case hexadecimal digits; `Debug` hides it.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seed(#[serde(with = "hex")] [u8; 32]);

impl Seed {
    /// What the seed of the draw with the id `draw` authenticates: it is the HMAC-SHA-256 of this
    /// under the secret of a signing key. Nothing has to be stored to know it again, and the
    /// commitment to it binds the operator.
    #[must_use]
    pub fn message(draw: &str) -> Vec<u8> {
        [DOMAIN, draw].join("\0").into_bytes()
    }

    /// The commitment published before the draw: the SHA-256 of the seed.
    #[must_use]
    pub fn commitment(&self) -> Digest {
        Digest::of(&self.0)
    }

    /// The seed with these bytes.
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

impl fmt::Display for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex::write(&self.0, f)
    }
}

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seed")
    }
}

impl FromStr for Seed {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        hex::read(text).map(Self).ok_or(ParseError("a seed as 64 lower-case hexadecimal digits"))
    }
}
