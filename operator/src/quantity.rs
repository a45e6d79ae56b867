//! Equality of Kubernetes quantities such as `500m` and `0.5`.

use serde_json::Value;

/// Suffixes with their base and exponent.
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
/// The API server keeps thousandths of the resources pods request.
const SCALE: i128 = 1000;
/// Most digits of a quantity.
const DIGITS_MAX: usize = 18;
/// Largest absolute value of a decimal exponent.
const EXPONENT_MAX: u32 = 18;

/// Whether a quantity has the syntax of the API server.
pub fn is_valid(text: &str) -> bool {
    let text = text.strip_prefix(['+', '-']).unwrap_or(text);
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, suffix) = text.split_at(end);
    let fraction = number.split_once('.').map_or("", |(_, fraction)| fraction);
    let exponent = || {
        let digits = suffix.strip_prefix(['e', 'E']).unwrap_or_default();
        let digits = digits.strip_prefix(['+', '-']).unwrap_or(digits);
        !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit())
    };
    let is_number = number.contains(|c: char| c.is_ascii_digit()) && !fraction.contains('.');
    is_number && (SUFFIXES.iter().any(|(name, ..)| *name == suffix) || exponent())
}

/// Whether `a` is a larger quantity than `b`. `None` if one of them cannot be compared.
pub fn is_larger(a: &Value, b: &Value) -> Option<bool> {
    Some(thousandths(a)? > thousandths(b)?)
}

/// Whether both are quantities of the same value.
pub fn equal(a: &Value, b: &Value) -> bool {
    matches!((thousandths(a), thousandths(b)), (Some(a), Some(b)) if a == b)
}

/// A quantity in thousandths.
fn thousandths(value: &Value) -> Option<i128> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    let text = text.strip_prefix('+').unwrap_or(&text);
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, suffix) = text.split_at(end);
    let (integer, fraction) = number.split_once('.').unwrap_or((number, ""));
    if integer.len() + fraction.len() > DIGITS_MAX || fraction.contains('.') {
        return None;
    }
    // Fails without any digit.
    let digits: i128 = format!("{integer}{fraction}").parse().ok()?;
    let (base, exponent) = unit(suffix)?;
    let power = |base: i128, exponent: i32| base.checked_pow(exponent.unsigned_abs());
    let mut scaled = digits.checked_mul(SCALE)?;
    let mut divisor = power(10, i32::try_from(fraction.len()).ok()?)?;
    if exponent < 0 {
        divisor = divisor.checked_mul(power(base, exponent)?)?;
    } else {
        scaled = scaled.checked_mul(power(base, exponent)?)?;
    }
    // Rounds up, like the API server.
    Some(scaled / divisor + i128::from(scaled % divisor != 0))
}

/// The base and exponent of a suffix.
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
    fn spellings_of_one_value_are_equal() {
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
            // The API server rounds up to thousandths.
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
            assert!(!equal(&json!(a), &json!(b)), "{a} differs from {b}, or is not a quantity");
        }
    }

    #[test]
    fn syntax_is_that_of_the_api_server() {
        for text in
            ["1", "0", "10G", "10Gi", "1.5Gi", ".5", "5.", "1e3", "1E-3", "+1", "-1", "100m", "1E"]
        {
            assert!(is_valid(text), "{text}");
        }
        for text in [
            "", "10GB", "10 Gi", "Gi", ".", "1..2", "1.2.3", "1e", "1e+", "10gi", "0x10", "ten",
            "1K",
        ] {
            assert!(!is_valid(text), "{text}");
        }
        assert_eq!(is_larger(&json!("1Gi"), &json!("1G")), Some(true));
        assert_eq!(is_larger(&json!("1Gi"), &json!("1024Mi")), Some(false));
        assert_eq!(is_larger(&json!("x"), &json!("1")), None);
    }

    #[test]
    fn extreme_exponents_are_rejected() {
        for text in ["1e-2147483648", "1E2147483647", "1e-2147483649", "1e+", "1e--1"] {
            assert!(!equal(&json!(text), &json!(text)), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_accepted_or_rejected(text in "\\PC{0,40}") {
            let value = json!(text);
            let _ = equal(&value, &json!("1"));
        }

        #[test]
        fn quantity_like_text_never_overflows(text in "[+-]?[0-9]{0,20}[.]?[0-9]{0,20}(n|u|m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei|[eE][+-]?[0-9]{0,11})?") {
            let value = json!(text);
            let _ = equal(&value, &json!("1"));
        }

        #[test]
        fn spellings_of_an_integer_are_equal(amount in 0_u32..1_000_000) {
            for other in [format!("{amount}.0"), format!("+{amount}"), format!("{amount}000m"), format!("{amount}e0"), format!("0{amount}")] {
                prop_assert!(equal(&json!(amount), &json!(other)), "{}", other);
            }
            let binary = format!("{amount}Ki");
            prop_assert!(equal(&json!(binary), &json!(u64::from(amount) * 1024)));
            prop_assert!(!equal(&json!(amount), &json!(amount + 1)));
        }
    }
}
