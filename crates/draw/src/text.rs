//! Text forms of fixed-size values.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

/// A text that is not in the one form its type has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected {0}")]
pub struct ParseError(pub(crate) &'static str);

/// Lower-case hexadecimal. As `serde(with)`: text where a human reads it, an array of bytes
/// elsewhere.
pub(crate) mod hex {
    use std::fmt;

    use super::{Deserialize, Deserializer, Error, Serialize, Serializer};

    pub(crate) fn write(bytes: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
        bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }

    /// The bytes of 2 N lower-case digits.
    pub(crate) fn read<const N: usize>(text: &str) -> Option<[u8; N]> {
        let digits = text.as_bytes();
        if digits.len() != 2 * N {
            return None;
        }
        let value = |digit: u8| match digit {
            b'0'..=b'9' => Some(digit - b'0'),
            b'a'..=b'f' => Some(digit - b'a' + 10),
            _ => None,
        };
        let mut bytes = [0; N];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = value(pair[0])? << 4 | value(pair[1])?;
        }
        Some(bytes)
    }

    struct Text<'a>(&'a [u8]);

    impl fmt::Display for Text<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write(self.0, f)
        }
    }

    pub(crate) fn serialize<const N: usize, S>(bytes: &[u8; N], to: S) -> Result<S::Ok, S::Error>
    where
        S: Serializer,
        [u8; N]: Serialize,
    {
        if to.is_human_readable() { to.collect_str(&Text(bytes)) } else { bytes.serialize(to) }
    }

    pub(crate) fn deserialize<'de, const N: usize, D>(from: D) -> Result<[u8; N], D::Error>
    where
        D: Deserializer<'de>,
        [u8; N]: Deserialize<'de>,
    {
        if !from.is_human_readable() {
            return <[u8; N]>::deserialize(from);
        }
        let text = std::borrow::Cow::<'de, str>::deserialize(from)?;
        read(&text).ok_or_else(|| {
            D::Error::custom(format_args!("expected {} lower-case hexadecimal digits", 2 * N))
        })
    }
}
