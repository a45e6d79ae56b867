//! Amounts of money and times, as the pages show them.

use iso_currency::Currency;
use maud::{Markup, html};
use vacancy_api::Money;

/// An amount in the units that people use: `45.50 EUR`, `1200 JPY`.
pub fn money(amount: &Money) -> String {
    let code = amount.currency.to_string();
    // A currency that the list does not know has cents, as most have.
    let digits = Currency::from_code(&code).map_or(Some(2), Currency::exponent).unwrap_or(0);
    let unit = 10_u64.pow(u32::from(digits));
    if unit == 1 {
        return format!("{} {code}", amount.amount_minor);
    }
    let (whole, part) = (amount.amount_minor / unit, amount.amount_minor % unit);
    format!("{whole}.{part:0width$} {code}", width = usize::from(digits))
}

/// A time, which the script shows in the reader's zone. `at` is RFC 3339 in UTC.
fn time(at: &str) -> Markup {
    let minute = at.get(..16).unwrap_or(at).replace('T', " ");
    html! { time datetime=(at) { (minute) " UTC" } }
}

/// `text` with a time in the place of `{}`.
pub fn at_time(text: &str, at: &str) -> Markup {
    let (before, after) = text.split_once("{}").unwrap_or((text, ""));
    html! { (before) (time(at)) (after) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(amount_minor: u64, currency: &str) -> String {
        money(&Money {
            amount_minor,
            currency: inventory::Currency::new(currency).expect("a currency"),
        })
    }

    #[test]
    fn amounts_have_the_digits_of_their_currency() {
        assert_eq!(shown(4_550, "EUR"), "45.50 EUR");
        assert_eq!(shown(5, "EUR"), "0.05 EUR");
        assert_eq!(shown(1_200, "JPY"), "1200 JPY");
        assert_eq!(shown(1_234, "KWD"), "1.234 KWD");
        assert_eq!(shown(100, "QQQ"), "1.00 QQQ");
        assert_eq!(shown(100, "XAU"), "100 XAU");
    }

    #[test]
    fn times_are_readable_without_a_script() {
        let shown = time("2036-05-01T10:00:00.000Z").into_string();
        assert_eq!(
            shown,
            r#"<time datetime="2036-05-01T10:00:00.000Z">2036-05-01 10:00 UTC</time>"#
        );
    }
}
