//! Validated names. Each satisfies its rule, and is cheap to clone: up to 23 bytes lie in the value
//! itself, so that threads which clone the same name do not fight over a count of references.

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use thiserror::Error;

/// Why a text is not a valid name.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{what} must be {rule}")]
pub struct NameError {
    /// The kind of name.
    pub what: &'static str,
    /// The required form.
    pub rule: &'static str,
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $what:literal, $max:literal, $rule:literal, $allowed:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
        #[serde(try_from = "String")]
        pub struct $name(SmolStr);

        impl $name {
            /// The longest text this name may have, in characters.
            pub const LEN_MAX: usize = $max;

            /// Checks `text` against the rule of this name.
            ///
            /// # Errors
            /// [`NameError`] with the rule in words.
            pub fn new(text: &str) -> Result<Self, NameError> {
                let allowed: fn(&str) -> bool = $allowed;
                if text.is_empty() || text.chars().count() > $max || !allowed(text) {
                    return Err(NameError { what: $what, rule: $rule });
                }
                Ok(Self(text.into()))
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                Self::new(text)
            }
        }

        // Not by way of a string of its own: a name is written several times for each sale.
        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.serialize_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = NameError;

            fn try_from(text: String) -> Result<Self, NameError> {
                Self::new(&text)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0.into()
            }
        }
    };
}

fn is_slug(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_.".contains(&b))
        && !text.starts_with(['-', '.', '_'])
}

fn has_no_control(text: &str) -> bool {
    !text.chars().any(char::is_control)
}

name!(
    /// The name of an event, part of its URL.
    EventName,
    "event",
    64,
    "1 to 64 of a-z, 0-9, '-', '_', '.', beginning with a letter or digit",
    is_slug
);
name!(
    /// The name of a stock within its event.
    StockName,
    "stock",
    64,
    "1 to 64 of a-z, 0-9, '-', '_', '.', beginning with a letter or digit",
    is_slug
);
name!(
    /// The caller's opaque id of a customer.
    CustomerId,
    "customer",
    128,
    "1 to 128 characters, none of them a control character",
    has_no_control
);
name!(
    /// The caller's reference to a payment.
    PaymentRef,
    "payment_ref",
    128,
    "1 to 128 characters, none of them a control character",
    has_no_control
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_hold_at_their_edges() {
        assert!(EventName::new("a").is_ok());
        assert!(EventName::new(&"a".repeat(64)).is_ok());
        for bad in ["", &"a".repeat(65), "Upper", "a/b", "-a", "ä", "a b"] {
            assert!(EventName::new(bad).is_err(), "{bad:?}");
        }
        assert!(CustomerId::new("Zoë 🎫").is_ok());
        assert!(CustomerId::new("a\u{0}b").is_err());
        assert!(CustomerId::new(&"🎫".repeat(128)).is_ok());
        assert!(CustomerId::new(&"x".repeat(129)).is_err());
    }
}
