//! The key of a draw.

use std::{fmt, str::FromStr};

use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::{
    leaf::Leaf,
    seed::Seed,
    text::{ParseError, hex},
    threshold::Threshold,
};

/// Separates the key from every other one derived from a seed.
const INFO: &[u8] = b"ticket-system draw v1";

/// The key that orders the places of a draw. Its text is 64 lower-case hexadecimal digits; `Debug`
/// hides it, since it is secret until the draw is held.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DrawKey(#[serde(with = "hex")] [u8; 32]);

impl DrawKey {
    /// HKDF-SHA-256 (RFC 5869) of the seed and the randomness of the beacon, `None` in an
    /// unwitnessed draw. The operator does not know the beacon before its round, and the beacon's
    /// operators do not know the seed.
    ///
    /// # Panics
    /// Never: HKDF can give up to 8,160 bytes.
    #[must_use]
    pub fn new(seed: &Seed, beacon: Option<&[u8; 32]>) -> Self {
        let beacon = beacon.map_or(&[][..], |beacon| &beacon[..]);
        let secret = [seed.as_bytes(), beacon].concat();
        let mut key = [0; 32];
        if Hkdf::<Sha256>::new(None, &secret).expand(INFO, &mut key).is_err() {
            unreachable!("HKDF gives 32 bytes")
        }
        Self(key)
    }

    /// The value by which `leaf` is ordered, as a big-endian number: HMAC-SHA-256 under the key.
    #[must_use]
    pub fn value(&self, leaf: &Leaf) -> [u8; 32] {
        value_of(self.mac(), leaf)
    }

    /// The first 16 bytes of the value of `leaf`.
    #[must_use]
    pub fn threshold_of(&self, leaf: &Leaf) -> Threshold {
        Threshold::of_value(&self.value(leaf))
    }

    /// As [`threshold_of`](Self::threshold_of), for many leaves: sets up the HMAC once, which is
    /// half its cost.
    pub(crate) fn thresholds<'a>(
        &self,
        leaves: impl Iterator<Item = Leaf> + 'a,
    ) -> impl Iterator<Item = Threshold> + 'a {
        let mac = self.mac();
        leaves.map(move |leaf| Threshold::of_value(&value_of(mac.clone(), &leaf)))
    }

    fn mac(&self) -> Hmac<Sha256> {
        let Ok(mac) = Hmac::<Sha256>::new_from_slice(&self.0) else {
            unreachable!("HMAC takes a key of any length")
        };
        mac
    }

    /// The key with these bytes.
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

fn value_of(mac: Hmac<Sha256>, leaf: &Leaf) -> [u8; 32] {
    mac.chain_update(leaf.as_bytes()).finalize().into_bytes().into()
}

impl fmt::Display for DrawKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex::write(&self.0, f)
    }
}

impl fmt::Debug for DrawKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DrawKey")
    }
}

impl FromStr for DrawKey {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let rule = "a draw key as 64 lower-case hexadecimal digits";
        hex::read(text).map(Self).ok_or(ParseError(rule))
    }
}
