//! How far a draw has been called.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::text::{ParseError, hex};

/// The first 16 bytes, big-endian, of the value of a place in a draw. A place is called when its
/// own is at most that of the last called place.
///
/// 128 bits tell places apart: among ten million, two alike have a probability of about 10⁻²⁵.
/// Its text is 32 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Threshold(u128);

impl Threshold {
    /// The threshold with this number.
    #[must_use]
    pub const fn new(number: u128) -> Self {
        Self(number)
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u128 {
        self.0
    }

    pub(crate) fn of_value(value: &[u8; 32]) -> Self {
        let mut half = [0; 16];
        half.copy_from_slice(&value[..16]);
        Self(u128::from_be_bytes(half))
    }
}

impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex::write(&self.0.to_be_bytes(), f)
    }
}

impl fmt::Debug for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Threshold {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let bytes = hex::read(text);
        let rule = "a threshold as 32 lower-case hexadecimal digits";
        bytes.map(|bytes| Self(u128::from_be_bytes(bytes))).ok_or(ParseError(rule))
    }
}

impl Serialize for Threshold {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        hex::serialize(&self.0.to_be_bytes(), to)
    }
}

impl<'de> Deserialize<'de> for Threshold {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        hex::deserialize(from).map(|bytes| Self(u128::from_be_bytes(bytes)))
    }
}
