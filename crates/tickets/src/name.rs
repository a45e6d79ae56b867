//! Names of events and stocks in tickets.

use std::fmt;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

/// The longest name that stands in a ticket as it is, bytes. Two of them leave room for the rest in
/// a QR code of version 8.
const BYTES_MAX: usize = 13;
/// Bytes of the hash that stands for a longer name.
const HASH_BYTES: usize = 9;
/// Marks a hash. No name of an event or a stock begins with it.
const MARK: char = '~';

/// A name, or what stands for it in a ticket: of one longer than 13 bytes `~`, and Base64url of the
/// first 9 bytes of its SHA-256.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ShortName(String);

impl ShortName {
    /// That of `name`.
    #[must_use]
    pub fn of(name: &str) -> Self {
        if name.len() <= BYTES_MAX {
            return Self(name.to_owned());
        }
        let hash = &Sha256::digest(name)[..HASH_BYTES];
        Self(format!("{MARK}{}", BASE64_URL_SAFE_NO_PAD.encode(hash)))
    }

    /// The text in a ticket, which [`Self::of`] has made.
    pub(crate) fn from_text(text: String) -> Option<Self> {
        (1..=BYTES_MAX).contains(&text.len()).then_some(Self(text))
    }

    /// Whether it is that of `name`.
    #[must_use]
    pub fn is_of(&self, name: &str) -> bool {
        *self == Self::of(name)
    }

    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ShortName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}
