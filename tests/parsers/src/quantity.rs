//! Kubernetes quantities.

use operator::quantity::equal;
use serde_json::json;

/// The equality of two Kubernetes quantities, one a line, is symmetric, and a leading sign or zero
/// does not change it.
///
/// # Panics
/// When that does not hold.
pub fn quantity(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (one, other) = text.split_once('\n').unwrap_or((&text, "1"));
    let same = |a: &str, b: &str| equal(&json!(a), &json!(b));
    assert_eq!(same(one, other), same(other, one), "{one:?} {other:?}");
    for amount in [one, other].into_iter().filter(|amount| same(amount, amount)) {
        assert!(!amount.starts_with(['+', '-']) || same(amount, &amount[1..]), "{amount:?}");
        if amount.starts_with(|first: char| first.is_ascii_digit()) {
            assert!(same(amount, &format!("+{amount}")), "{amount:?}");
            let digits =
                amount.bytes().take_while(|byte| byte.is_ascii_digit() || *byte == b'.').count();
            assert!(digits >= 18 || same(amount, &format!("0{amount}")), "{amount:?}");
        }
        if let Ok(number) = amount.parse::<u32>() {
            assert!(
                same(amount, &format!("{number}000m")) && !same(amount, &format!("{number}001m")),
                "{amount:?}"
            );
            assert!(equal(&json!(number), &json!(amount)), "{amount:?}");
        }
    }
}
