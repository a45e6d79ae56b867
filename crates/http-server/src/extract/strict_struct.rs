//! Objects are read strictly, at every depth: a struct only from an object, and each member known
//! and named once. serde also accepts an array, with the members by position: then `[2, "c"]` would
//! be an order, and a new member would change the meaning of an existing array.

use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::{
    integral_number::IntegralNumber,
    members::{Members, Name, Names},
};

/// Parses `json`, all of it.
pub(super) fn from_slice<'de, T: Deserialize<'de>>(json: &'de [u8]) -> serde_json::Result<T> {
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let value = T::deserialize(StrictStruct(&mut deserializer))?;
    deserializer.end()?;
    Ok(value)
}

/// Reads structs and maps strictly. It wraps the deserializer and, on the way down, each visitor,
/// access and seed. Types that call `deserialize_any` (untagged and flattened ones) are not
/// covered.
pub(super) struct StrictStruct<T>(pub T);

/// A visitor for objects or arrays, with their kind in words.
struct Inside<V> {
    visitor: V,
    expected: &'static str,
    /// The members of a struct; a map has any.
    known: Option<Names>,
}

macro_rules! pass {
    ($($method:ident($($name:ident: $kind:ty),*))*) => {$(
        fn $method<V: Visitor<'de>>(self, $($name: $kind,)* visitor: V) -> Result<V::Value, D::Error> {
            self.0.$method($($name,)* visitor)
        }
    )*};
}

macro_rules! enter {
    ($($expected:literal: $method:ident($($name:ident: $kind:ty),*))*) => {$(
        fn $method<V: Visitor<'de>>(self, $($name: $kind,)* visitor: V) -> Result<V::Value, D::Error> {
            self.0.$method($($name,)* Inside { visitor, expected: $expected, known: None })
        }
    )*};
}

macro_rules! count {
    ($($method:ident())*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
            self.0.$method(IntegralNumber(visitor))
        }
    )*};
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for StrictStruct<D> {
    type Error = D::Error;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        known: Names,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0.deserialize_map(Inside { visitor, expected: "an object", known: Some(known) })
    }

    enter! {
        "an object": deserialize_map()
        "an array": deserialize_seq()
        "an array": deserialize_tuple(len: usize)
        "an array": deserialize_tuple_struct(name: &'static str, len: usize)
        "a value": deserialize_option()
        "a value": deserialize_newtype_struct(name: &'static str)
    }

    count! {
        deserialize_i8() deserialize_i16() deserialize_i32() deserialize_i64() deserialize_i128()
        deserialize_u8() deserialize_u16() deserialize_u32() deserialize_u64() deserialize_u128()
    }

    pass! {
        deserialize_any() deserialize_bool() deserialize_char() deserialize_str() deserialize_string()
        deserialize_f32() deserialize_f64() deserialize_bytes() deserialize_byte_buf()
        deserialize_unit() deserialize_unit_struct(name: &'static str)
        deserialize_enum(name: &'static str, variants: Names)
        deserialize_identifier() deserialize_ignored_any()
    }

    fn is_human_readable(&self) -> bool {
        self.0.is_human_readable()
    }
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Inside<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.expected)
    }

    fn visit_none<E: Error>(self) -> Result<V::Value, E> {
        self.visitor.visit_none()
    }

    fn visit_unit<E: Error>(self) -> Result<V::Value, E> {
        self.visitor.visit_unit()
    }

    fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<V::Value, D::Error> {
        self.visitor.visit_some(StrictStruct(inner))
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<V::Value, D::Error> {
        self.visitor.visit_newtype_struct(StrictStruct(inner))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, elements: A) -> Result<V::Value, A::Error> {
        self.visitor.visit_seq(StrictStruct(elements))
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<V::Value, A::Error> {
        self.visitor.visit_map(StrictMap { inner: members, members: Members::new(self.known) })
    }
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for StrictStruct<A> {
    type Error = A::Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, A::Error> {
        self.0.next_element_seed(StrictStruct(seed))
    }

    fn size_hint(&self) -> Option<usize> {
        self.0.size_hint()
    }
}

/// The members of one object.
struct StrictMap<A> {
    inner: A,
    members: Members,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for StrictMap<A> {
    type Error = A::Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, A::Error> {
        self.inner.next_key_seed(Name { seed, members: &mut self.members })
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        self.inner.next_value_seed(StrictStruct(seed))
    }

    fn size_hint(&self) -> Option<usize> {
        self.inner.size_hint()
    }
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for StrictStruct<S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<S::Value, D::Error> {
        self.0.deserialize(StrictStruct(from))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::from_slice;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Leaf {
        qty: u64,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Wrapped(Leaf);

    #[derive(Debug, PartialEq, Deserialize)]
    struct Tree {
        list: Vec<Leaf>,
        maybe: Option<Leaf>,
        named: BTreeMap<String, Leaf>,
        pair: (u8, Leaf),
        wrapped: Option<Wrapped>,
    }

    const TREE: &str = r#"{"list":[{"qty":1}],"maybe":{"qty":2},"named":{"a":{"qty":3}},"pair":[4,{"qty":5}],"wrapped":{"qty":6}}"#;

    #[test]
    fn objects_are_read_by_member_names() {
        let leaf = |qty| Leaf { qty };
        let tree = Tree {
            list: vec![leaf(1)],
            maybe: Some(leaf(2)),
            named: BTreeMap::from([("a".to_owned(), leaf(3))]),
            pair: (4, leaf(5)),
            wrapped: Some(Wrapped(leaf(6))),
        };
        assert_eq!(from_slice::<Tree>(TREE.as_bytes()).expect("a tree"), tree);
        assert_eq!(from_slice::<Vec<Leaf>>(b" [{\"qty\":1}] ").expect("a list"), [leaf(1)]);
        assert!(from_slice::<Leaf>(b"{\"qty\":1} x").is_err(), "all of it is read");
    }

    #[test]
    fn an_array_is_not_an_object_at_any_depth() {
        for qty in 1..=6 {
            if qty == 4 {
                continue;
            }
            let text = TREE.replace(&format!("{{\"qty\":{qty}}}"), &format!("[{qty}]"));
            assert_ne!(text, TREE);
            assert!(serde_json::from_str::<Tree>(&text).is_ok(), "{text}: serde alone takes it");
            let error = from_slice::<Tree>(text.as_bytes()).expect_err("an array");
            assert!(
                error.is_data()
                    && error.to_string().starts_with("invalid type: sequence, expected an object"),
                "{text}: {error}"
            );
        }
        assert!(from_slice::<Leaf>(b"[1]").is_err());
        assert!(from_slice::<Vec<Leaf>>(b"[[1]]").is_err());
    }
}
