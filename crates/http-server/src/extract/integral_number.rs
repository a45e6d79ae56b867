//! JSON has numbers, not integers: `2.0` and `2` are the same (RFC 8259, section 6), and JSON
//! Schema counts both as `integer`.

use std::fmt;

use serde::de::{Error, Visitor};

/// Largest whole number up to which doubles are exact: 2^53.
const EXACT_MAX: f64 = 9_007_199_254_740_992.0;

/// Reads whole numbers as integers in every notation.
pub(super) struct IntegralNumber<V>(pub V);

impl<'de, V: Visitor<'de>> Visitor<'de> for IntegralNumber<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number")
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<V::Value, E> {
        self.0.visit_i64(number).map_err(|_: E| out_of_range(number < 0))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<V::Value, E> {
        self.0.visit_u64(number).map_err(|_: E| out_of_range(false))
    }

    fn visit_i128<E: Error>(self, number: i128) -> Result<V::Value, E> {
        self.0.visit_i128(number).map_err(|_: E| out_of_range(number < 0))
    }

    fn visit_u128<E: Error>(self, number: u128) -> Result<V::Value, E> {
        self.0.visit_u128(number).map_err(|_: E| out_of_range(false))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<V::Value, E> {
        if number.fract() != 0.0 {
            return Err(E::custom(format_args!("must be a whole number, not {number}")));
        }
        if number.abs() > EXACT_MAX {
            return Err(out_of_range(number < 0.0));
        }
        if number < 0.0 { self.visit_i64(number as i64) } else { self.visit_u64(number as u64) }
    }
}

fn out_of_range<E: Error>(negative: bool) -> E {
    E::custom(if negative { "the number is too small" } else { "the number is too large" })
}

#[cfg(test)]
mod tests {
    use super::super::strict_struct::from_slice;

    fn read(json: &str) -> Option<u64> {
        from_slice(json.as_bytes()).ok()
    }

    #[test]
    fn a_whole_number_is_read_in_every_notation() {
        for (json, number) in [
            ("2", 2),
            ("2.0", 2),
            ("2e0", 2),
            ("0.2e1", 2),
            ("-0.0", 0),
            ("9007199254740992.0", 1 << 53),
        ] {
            assert_eq!(read(json), Some(number), "{json}");
        }
        for json in
            ["2.5", "-2.0", "1e16", "1e300", "\"2\"", "true", "null", "18446744073709551616"]
        {
            assert_eq!(read(json), None, "{json}");
        }
        assert_eq!(from_slice::<i32>(b"-2.0").ok(), Some(-2));
        assert_eq!(from_slice::<u8>(b"256.0").ok(), None);
        assert_eq!(from_slice::<Option<u64>>(b"3.0").ok(), Some(Some(3)));
    }
}
