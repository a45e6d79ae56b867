//! Prices and totals.

use inventory::Currency;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An amount of money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Money {
    /// In the smallest unit of the currency, such as cents.
    #[schema(maximum = 9_007_199_254_740_991_u64, example = 4550)]
    pub amount_minor: u64,
    /// The currency: three upper-case letters, as in ISO 4217.
    #[schema(value_type = String, pattern = "^[A-Z]{3}$", example = "EUR")]
    pub currency: Currency,
}

impl From<inventory::Money> for Money {
    fn from(inventory::Money { amount_minor, currency }: inventory::Money) -> Self {
        Self { amount_minor, currency }
    }
}

impl From<Money> for inventory::Money {
    fn from(Money { amount_minor, currency }: Money) -> Self {
        Self { amount_minor, currency }
    }
}
