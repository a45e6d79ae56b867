//! A member that was a number once and became an object: both forms are read.

use std::{fmt, marker::PhantomData};

use serde::de::{
    Deserialize, Deserializer, Error, MapAccess, Visitor, value::MapAccessDeserializer,
};

use super::{integral_number::IntegralNumber, strict_struct::StrictStruct};

/// Reads a whole number as `T::from` it, or an object as `T`, strictly.
///
/// # Errors
/// Those of `from`, and an error in plain words for anything else.
pub fn number_or_object<'de, D, T>(from: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + From<u64>,
{
    from.deserialize_any(NumberOrObject(PhantomData))
}

struct NumberOrObject<T>(PhantomData<T>);

struct Number;

impl Visitor<'_> for Number {
    type Value = u64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number")
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<u64, E> {
        Ok(number)
    }
}

impl<'de, T: Deserialize<'de> + From<u64>> Visitor<'de> for NumberOrObject<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number or an object")
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<T, E> {
        Ok(number.into())
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<T, E> {
        IntegralNumber(Number).visit_i64(number).map(Into::into)
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<T, E> {
        IntegralNumber(Number).visit_f64(number).map(Into::into)
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<T, A::Error> {
        T::deserialize(StrictStruct(MapAccessDeserializer::new(members)))
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::{super::strict_struct::from_slice, number_or_object};

    #[derive(Debug, PartialEq, Deserialize)]
    struct Stock {
        capacity: u64,
        price: Option<Price>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Price {
        amount: u64,
    }

    impl From<u64> for Stock {
        fn from(capacity: u64) -> Self {
            Self { capacity, price: None }
        }
    }

    #[derive(Debug, Deserialize)]
    struct Event {
        #[serde(deserialize_with = "number_or_object")]
        stock: Stock,
    }

    fn read(stock: &str) -> Result<Stock, String> {
        let body = format!("{{\"stock\":{stock}}}");
        from_slice::<Event>(body.as_bytes())
            .map(|event| event.stock)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn numbers_and_objects_are_read_strictly() {
        for number in ["7", "7.0", "70e-1"] {
            assert_eq!(read(number), Ok(7.into()), "{number}");
        }
        assert_eq!(read(r#"{"capacity":7}"#), Ok(7.into()));
        let priced = Stock { capacity: 7, price: Some(Price { amount: 1 }) };
        assert_eq!(read(r#"{"price":{"amount":1},"capacity":7}"#), Ok(priced));
        for (wrong, words) in [
            ("-1", "too small"),
            ("1e400", "out of range"),
            ("1e30", "too large"),
            ("1.5", "must be a whole number"),
            ("\"7\"", "expected a whole number or an object"),
            ("null", "expected a whole number or an object"),
            ("[7]", "expected a whole number or an object"),
            ("{}", "missing field `capacity`"),
            (r#"{"capacity":1,"capacity":2}"#, "duplicate member \"capacity\""),
            (r#"{"capacity":1,"prize":2}"#, "did you mean \"price\"?"),
            (r#"{"capacity":1,"price":[1]}"#, "expected an object"),
            (r#"{"capacity":1,"price":{"amount":1,"amount":1}}"#, "duplicate member \"amount\""),
        ] {
            let error = read(wrong).expect_err(wrong);
            assert!(error.contains(words), "{wrong}: {error}");
        }
    }
}
