//! Query parameters.

use std::borrow::Cow;

use axum::extract::FromRequestParts;
use http::{Uri, request::Parts};
use serde::de::{
    DeserializeOwned, Deserializer, Error, IntoDeserializer, Unexpected, Visitor,
    value::{self, MapDeserializer},
};

use super::{explain::explain, strict_struct::StrictStruct};
use crate::problem::Problem;

/// Query parameters. Rejects with 422, also when a parameter is unknown or repeated.
#[derive(Debug, Clone)]
pub struct QueryParams<T>(pub T);

impl<S: Sync, T: DeserializeOwned> FromRequestParts<S> for QueryParams<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        read(&parts.uri).map(Self)
    }
}

/// Rejects parameters of a call that takes none.
pub(super) fn none(uri: &Uri) -> Result<(), Problem> {
    let name = uri.query().and_then(|query| form_urlencoded::parse(query.as_bytes()).next());
    name.map_or(Ok(()), |(name, _)| {
        let name = &name[..name.floor_char_boundary(64)];
        let detail = format!("Unknown parameter {name:?}: this call takes none in its query.");
        Err(Problem::validation(detail))
    })
}

fn read<T: DeserializeOwned>(uri: &Uri) -> Result<T, Problem> {
    let pairs = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    let pairs = pairs.map(|(name, value)| (name, Value(value)));
    let query = StrictStruct(MapDeserializer::<_, value::Error>::new(pairs));
    serde_path_to_error::deserialize(query).map_err(|error| {
        let message = error.inner().to_string();
        Problem::validation(explain(error.path(), &message, "The query", "parameter"))
    })
}

/// The value of a parameter: text, which may be that of a number.
struct Value<'a>(Cow<'a, str>);

impl<'de> IntoDeserializer<'de, value::Error> for Value<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

macro_rules! number {
    ($($method:ident $visit:ident $kind:ty;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, value::Error> {
            let Ok(number) = self.0.parse::<$kind>() else {
                let is_digits = !self.0.is_empty() && self.0.bytes().all(|byte| byte.is_ascii_digit());
                return Err(if is_digits {
                    Error::custom("the number is too large")
                } else {
                    Error::invalid_value(Unexpected::Str(&self.0), &visitor)
                });
            };
            visitor.$visit(number)
        }
    )*};
}

impl<'de> Deserializer<'de> for Value<'de> {
    type Error = value::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, value::Error> {
        match self.0 {
            Cow::Borrowed(text) => visitor.visit_borrowed_str(text),
            Cow::Owned(text) => visitor.visit_string(text),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, value::Error> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, value::Error> {
        visitor.visit_newtype_struct(self)
    }

    number! {
        deserialize_u8 visit_u8 u8; deserialize_u16 visit_u16 u16;
        deserialize_u32 visit_u32 u32; deserialize_u64 visit_u64 u64;
        deserialize_i32 visit_i32 i32; deserialize_i64 visit_i64 i64;
        deserialize_bool visit_bool bool;
    }

    serde::forward_to_deserialize_any! {
        i8 i16 i128 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Page {
        after: Option<String>,
        limit: Option<usize>,
    }

    fn page(query: &str) -> Result<Page, String> {
        let uri = Uri::try_from(format!("/x?{query}")).expect("a URI");
        read(&uri).map_err(|problem| problem.detail().to_owned())
    }

    #[test]
    fn known_parameters_are_read_in_any_order() {
        let both = Page { after: Some("a b".to_owned()), limit: Some(5) };
        assert_eq!(page("limit=5&after=a%20b"), Ok(both));
        assert_eq!(page(""), Ok(Page { after: None, limit: None }));
        assert_eq!(page("&after=&"), Ok(Page { after: Some(String::new()), limit: None }));
    }

    #[test]
    fn unknown_and_repeated_parameters_are_refused_by_name() {
        for (query, detail) in [
            ("limt=5", "Unknown parameter \"limt\"; did you mean \"limit\"?"),
            ("limit=5&limit=5", "Duplicate parameter \"limit\"."),
            ("after=a&l%69mit=1&limit=2", "Duplicate parameter \"limit\"."),
            ("x", "Unknown parameter \"x\"; known are \"after\", \"limit\"."),
            ("limit=", "limit: must be a whole number, not the string \"\"."),
            ("limit=-1", "limit: must be a whole number, not the string \"-1\"."),
            ("limit=1e1", "limit: must be a whole number, not the string \"1e1\"."),
            ("limit=99999999999999999999", "limit: the number is too large."),
        ] {
            assert_eq!(page(query), Err(detail.to_owned()), "{query}");
        }
    }

    #[test]
    fn a_call_without_parameters_takes_none() {
        let check = |uri: &str| none(&Uri::try_from(uri).expect("a URI")).is_ok();
        assert!(check("/x") && check("/x?") && check("/x?&"));
        assert!(!check("/x?qty=1") && !check("/x?%00"));
    }
}
