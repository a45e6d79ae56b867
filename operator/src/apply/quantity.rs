//! Amounts such as `500m` and `1Gi`, only as far as it takes to see that two spellings mean the
//! same.

use serde_json::Value;

/// What a suffix stands for: (suffix, base, exponent).
const SUFFIXES: [(&str, i128, i32); 16] = [
    ("Ki", 1024, 1),
    ("Mi", 1024, 2),
    ("Gi", 1024, 3),
    ("Ti", 1024, 4),
    ("Pi", 1024, 5),
    ("Ei", 1024, 6),
    ("n", 1000, -3),
    ("u", 1000, -2),
    ("m", 1000, -1),
    ("", 1000, 0),
    ("k", 1000, 1),
    ("M", 1000, 2),
    ("G", 1000, 3),
    ("T", 1000, 4),
    ("P", 1000, 5),
    ("E", 1000, 6),
];
/// Thousandths are the finest the API server keeps of what the pods request.
const SCALE: i128 = 1000;
/// Longer digit strings are no amounts of anything.
const DIGITS_MAX: usize = 18;
/// Nor are larger powers of ten, either way.
const EXPONENT_MAX: u32 = 18;

/// Whether both are amounts, and the same one.
pub fn equal(a: &Value, b: &Value) -> bool {
    matches!((thousandths(a), thousandths(b)), (Some(a), Some(b)) if a == b)
}

/// An amount in thousandths.
fn thousandths(value: &Value) -> Option<i128> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    let text = text.strip_prefix('+').unwrap_or(&text);
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, suffix) = text.split_at(end);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.len() + fraction.len() > DIGITS_MAX || fraction.contains('.') {
        return None;
    }
    // Not a number where there are no digits at all.
    let digits: i128 = format!("{whole}{fraction}").parse().ok()?;
    let (base, exponent) = unit(suffix)?;
    let power = |base: i128, exponent: i32| base.checked_pow(exponent.unsigned_abs());
    let mut scaled = digits.checked_mul(SCALE)?;
    let mut divisor = power(10, i32::try_from(fraction.len()).ok()?)?;
    if exponent < 0 {
        divisor = divisor.checked_mul(power(base, exponent)?)?;
    } else {
        scaled = scaled.checked_mul(power(base, exponent)?)?;
    }
    // Rounded up, as the API server does.
    Some(scaled / divisor + i128::from(scaled % divisor != 0))
}

/// The power a suffix stands for, as base and exponent.
fn unit(suffix: &str) -> Option<(i128, i32)> {
    if let Some((_, base, exponent)) = SUFFIXES.iter().find(|(name, ..)| *name == suffix) {
        return Some((*base, *exponent));
    }
    let exponent: i32 = suffix.strip_prefix(['e', 'E'])?.parse().ok()?;
    (exponent.unsigned_abs() <= EXPONENT_MAX).then_some((10, exponent))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn spellings() {
        for (a, b) in [
            ("1", "1000m"),
            ("0.5", "500m"),
            ("1Gi", "1024Mi"),
            ("1.5Gi", "1536Mi"),
            ("1k", "1000"),
            ("2M", "2000k"),
            (".5", "500m"),
            ("1e3", "1k"),
            ("1E3", "1000"),
            ("1.5e+3", "1500"),
            ("1e-1", "100m"),
            ("1E", "1000P"),
            ("+1", "1"),
            ("100000u", "100m"),
            ("100000000n", "100m"),
            // What is finer than the API server keeps is rounded up there.
            ("1500u", "2m"),
            ("1n", "1m"),
        ] {
            assert!(equal(&json!(a), &json!(b)), "{a} is {b}");
        }
        assert!(equal(&json!(1), &json!("1")));
        for (a, b) in [
            ("1", "1001m"),
            ("1G", "1Gi"),
            ("x", "x"),
            ("", ""),
            (".", "."),
            ("1e", "1"),
            ("1e99", "1e99"),
            ("1u", "2m"),
        ] {
            assert!(!equal(&json!(a), &json!(b)), "{a} is not {b}, or is no amount this reads");
        }
    }

    #[test]
    fn the_smallest_exponent_there_is_is_no_amount() {
        for text in ["1e-2147483648", "1E2147483647", "1e-2147483649", "1e+", "1e--1"] {
            assert!(!equal(&json!(text), &json!(text)), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_an_amount_or_not(text in "\\PC{0,40}") {
            let value = json!(text);
            let _ = equal(&value, &json!("1"));
        }

        #[test]
        fn what_looks_like_an_amount_never_overflows(text in "[+-]?[0-9]{0,20}[.]?[0-9]{0,20}(n|u|m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei|[eE][+-]?[0-9]{0,11})?") {
            let value = json!(text);
            let _ = equal(&value, &json!("1"));
        }

        #[test]
        fn other_spellings_of_a_whole_amount_are_equal(amount in 0_u32..1_000_000) {
            for other in [format!("{amount}.0"), format!("+{amount}"), format!("{amount}000m"), format!("{amount}e0"), format!("0{amount}")] {
                prop_assert!(equal(&json!(amount), &json!(other)), "{}", other);
            }
            let binary = format!("{amount}Ki");
            prop_assert!(equal(&json!(binary), &json!(u64::from(amount) * 1024)));
            prop_assert!(!equal(&json!(amount), &json!(amount + 1)));
        }
    }
}
