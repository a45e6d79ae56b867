//! Money and prices.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

use super::{NameError, StockName};

/// A currency: three upper-case letters, as in ISO 4217.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct Currency([u8; 3]);

impl Currency {
    /// Checks `text`: three upper-case letters. Whether a country uses it is the shop's business.
    ///
    /// # Errors
    /// [`NameError`] with that rule.
    pub fn new(text: &str) -> Result<Self, NameError> {
        match *text.as_bytes() {
            [a, b, c] if text.bytes().all(|byte| byte.is_ascii_uppercase()) => Ok(Self([a, b, c])),
            _ => Err(NameError { what: "currency", rule: "three upper-case letters, such as EUR" }),
        }
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|letter| write!(f, "{}", char::from(*letter)))
    }
}

impl TryFrom<String> for Currency {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        Self::new(&text)
    }
}

impl Serialize for Currency {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

/// An amount of money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Money {
    /// In the smallest unit of the currency, such as cents.
    pub amount_minor: u64,
    /// The currency.
    pub currency: Currency,
}

impl Money {
    /// The largest amount: every JSON number up to it is exact (RFC 8259, section 6).
    pub const AMOUNT_MAX: u64 = (1 << 53) - 1;
}

/// The prices of stocks; those of one event have one currency.
pub type Prices = BTreeMap<StockName, Money>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn currencies_are_three_upper_case_letters() {
        assert_eq!(Currency::new("EUR").unwrap().to_string(), "EUR");
        for bad in ["", "EU", "EURO", "eur", "E\u{dc}", "E1R", "E R"] {
            assert!(Currency::new(bad).is_err(), "{bad}");
        }
    }
}
