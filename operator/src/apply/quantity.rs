//! Amounts such as `500m` and `1Gi`, only as far as it takes to see that two spellings mean the same.

use serde_json::Value;

/// Powers of two or ten a suffix stands for: (suffix, base, exponent).
const SUFFIXES: [(&str, i128, u32); 14] = [
    ("Ki", 1024, 1),
    ("Mi", 1024, 2),
    ("Gi", 1024, 3),
    ("Ti", 1024, 4),
    ("Pi", 1024, 5),
    ("Ei", 1024, 6),
    ("k", 1000, 1),
    ("M", 1000, 2),
    ("G", 1000, 3),
    ("T", 1000, 4),
    ("P", 1000, 5),
    ("E", 1000, 6),
    ("m", 1000, 0),
    ("", 1000, 0),
];
/// Thousandths are the finest the API server keeps of what the pods request.
const SCALE: i128 = 1000;
/// Longer digit strings are no amounts of anything.
const DIGITS_MAX: usize = 18;

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
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, suffix) = text.split_at(end);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if number.is_empty() || whole.len() + fraction.len() > DIGITS_MAX || fraction.contains('.') {
        return None;
    }
    let digits: i128 = format!("{whole}{fraction}").parse().ok()?;
    let divisor = 10_i128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    let (_, base, exponent) = SUFFIXES.iter().find(|(name, ..)| *name == suffix)?;
    let unit = if suffix == "m" { 1 } else { base.checked_pow(*exponent)?.checked_mul(SCALE)? };
    let scaled = digits.checked_mul(unit)?;
    // Rounded up, as the API server does.
    Some(scaled / divisor + i128::from(scaled % divisor != 0))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn spellings() {
        for (a, b) in
            [("1", "1000m"), ("0.5", "500m"), ("1Gi", "1024Mi"), ("1.5Gi", "1536Mi"), ("1k", "1000"), ("2M", "2000k"), (".5", "500m")]
        {
            assert!(equal(&json!(a), &json!(b)), "{a} is {b}");
        }
        assert!(equal(&json!(1), &json!("1")));
        for (a, b) in [("1", "1001m"), ("1G", "1Gi"), ("x", "x"), ("", ""), ("1e3", "1000")] {
            assert!(!equal(&json!(a), &json!(b)), "{a} is not {b}, or is no amount this reads");
        }
    }
}
