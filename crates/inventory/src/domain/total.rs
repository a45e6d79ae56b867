//! What items cost together.

use super::{Items, Money, Prices};

/// Why a total cannot be computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TotalError {
    /// The prices have more than one currency.
    MixedCurrencies,
    /// It exceeds [`Money::AMOUNT_MAX`].
    TooLarge,
}

/// What `items` cost; `None` if none of them has a price.
///
/// # Errors
/// [`TotalError`].
pub fn total(prices: &Prices, items: &Items) -> Result<Option<Money>, TotalError> {
    let mut sum: Option<Money> = None;
    for item in items {
        let Some(price) = prices.get(&item.stock) else { continue };
        let before = sum.map_or(0, |sum| sum.amount_minor);
        if sum.is_some_and(|sum| sum.currency != price.currency) {
            return Err(TotalError::MixedCurrencies);
        }
        let amount_minor = price
            .amount_minor
            .checked_mul(item.qty)
            .and_then(|cost| cost.checked_add(before))
            .filter(|amount| *amount <= Money::AMOUNT_MAX)
            .ok_or(TotalError::TooLarge)?;
        sum = Some(Money { amount_minor, currency: price.currency });
    }
    Ok(sum)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Currency, Item, StockName};

    fn money(amount_minor: u64, currency: &str) -> Money {
        Money { amount_minor, currency: Currency::new(currency).unwrap() }
    }

    fn stock(name: &str) -> StockName {
        StockName::new(name).unwrap()
    }

    fn items(wanted: &[(&str, u64)]) -> Items {
        let items = wanted.iter().map(|(name, qty)| Item { qty: *qty, stock: stock(name) });
        Items::new(items.collect(), 9, u64::MAX).unwrap()
    }

    #[test]
    fn total_is_the_sum_of_the_priced_items() {
        let prices = Prices::from([
            (stock("a"), money(4_550, "EUR")),
            (stock("b"), money(0, "EUR")),
            (stock("c"), money(1, "USD")),
            (stock("d"), money(Money::AMOUNT_MAX, "EUR")),
        ]);
        let of = |wanted: &[(&str, u64)]| total(&prices, &items(wanted));
        assert_eq!(of(&[("a", 3), ("b", 2)]), Ok(Some(money(13_650, "EUR"))));
        assert_eq!(of(&[("a", 1), ("free", 2)]), Ok(Some(money(4_550, "EUR"))));
        assert_eq!(of(&[("free", 2)]), Ok(None));
        assert_eq!(of(&[("a", 1), ("c", 1)]), Err(TotalError::MixedCurrencies));
        assert_eq!(of(&[("d", 1)]), Ok(Some(money(Money::AMOUNT_MAX, "EUR"))));
        assert_eq!(of(&[("b", 1), ("d", 1)]), Ok(Some(money(Money::AMOUNT_MAX, "EUR"))));
        assert_eq!(of(&[("a", 1), ("d", 1)]), Err(TotalError::TooLarge));
        assert_eq!(of(&[("d", u64::MAX)]), Err(TotalError::TooLarge));
    }
}
