//! The names of an object's members: each is known, and each stands there once. A parser that drops
//! the others sells something else than the caller asked for.

use std::{collections::BTreeSet, fmt};

use serde::de::{
    DeserializeSeed, Deserializer, Error, Visitor,
    value::{BorrowedStrDeserializer, StrDeserializer},
};

pub(super) type Names = &'static [&'static str];

/// Least similarity of two names, from 0 to 1, for one to be suggested for the other.
const SIMILAR: f64 = 0.8;
/// Likeness of an abbreviation.
const ABBREVIATION: f64 = 0.9;
/// Longest part of a name that a message quotes, bytes.
const QUOTE_MAX_BYTES: usize = 64;

/// The members of one object that have been read.
pub(super) enum Members {
    /// Those of a struct, by their place among the known names.
    Struct { known: Names, seen: u64 },
    /// Those of a map.
    Map { seen: BTreeSet<String> },
}

impl Members {
    /// No member yet, of a struct with these names or of a map.
    pub fn new(known: Option<Names>) -> Self {
        match known {
            Some(known) => Self::Struct { known, seen: 0 },
            None => Self::Map { seen: BTreeSet::new() },
        }
    }

    fn add<E: Error>(&mut self, name: &str) -> Result<(), E> {
        let is_new = match self {
            Self::Struct { known, seen } => {
                let place = known.iter().position(|known| *known == name);
                let place = place.ok_or_else(|| E::custom(Unknown { name, known }))?;
                // serde itself refuses a repeated member, in other words; so none is missed beyond
                // the 64th.
                let bit = u32::try_from(place).ok().and_then(|place| 1_u64.checked_shl(place));
                let is_new = bit.is_none_or(|bit| *seen & bit == 0);
                *seen |= bit.unwrap_or(0);
                is_new
            }
            Self::Map { seen } => seen.insert(name.to_owned()),
        };
        if is_new {
            Ok(())
        } else {
            Err(E::custom(format_args!("duplicate member {:?}", quote(name))))
        }
    }
}

/// Reads one name, and then passes it on.
pub(super) struct Name<'a, S> {
    pub seed: S,
    pub members: &'a mut Members,
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Name<'_, S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<S::Value, D::Error> {
        from.deserialize_str(self)
    }
}

impl<'de, S: DeserializeSeed<'de>> Visitor<'de> for Name<'_, S> {
    type Value = S::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_borrowed_str<E: Error>(self, name: &'de str) -> Result<S::Value, E> {
        self.members.add(name)?;
        self.seed.deserialize(BorrowedStrDeserializer::new(name))
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<S::Value, E> {
        self.members.add(name)?;
        self.seed.deserialize(StrDeserializer::new(name))
    }
}

/// A name that is none of the known ones, in words.
struct Unknown<'a> {
    name: &'a str,
    known: Names,
}

impl fmt::Display for Unknown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown member {:?}", quote(self.name))?;
        if let Some(nearest) = nearest(self.name, self.known) {
            return write!(f, "; did you mean {nearest:?}?");
        }
        for (number, known) in self.known.iter().enumerate() {
            write!(f, "{} {known:?}", if number == 0 { "; known are" } else { "," })?;
        }
        Ok(())
    }
}

fn nearest(name: &str, known: Names) -> Option<&'static str> {
    let name = quote(name).to_lowercase().replace('-', "_");
    let likeness = |known: &str| {
        let abbreviates = abbreviates(&name, known) || abbreviates(known, &name);
        if abbreviates { ABBREVIATION } else { strsim::jaro_winkler(&name, known) }
    };
    let best = known.iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)))?;
    (likeness(best) >= SIMILAR).then_some(*best)
}

/// Whether `short` has the first letter of `long` and others of it, in order, as `qty` of
/// `quantity`.
fn abbreviates(short: &str, long: &str) -> bool {
    let mut rest = long.chars();
    short.len() >= 2
        && short.chars().next() == long.chars().next()
        && short.chars().all(|char| rest.any(|other| other == char))
}

fn quote(name: &str) -> &str {
    &name[..name.floor_char_boundary(QUOTE_MAX_BYTES)]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::{super::strict_struct::from_slice, nearest};

    #[derive(Debug, Deserialize)]
    #[allow(dead_code)] // only read
    struct Order {
        customer: Option<String>,
        lines: Option<Vec<Line>>,
        prices: Option<BTreeMap<String, Line>>,
        qty: Option<u64>,
    }

    #[derive(Debug, Deserialize)]
    #[allow(dead_code)] // only read
    struct Line {
        qty: u64,
    }

    fn error(json: &str) -> String {
        from_slice::<Order>(json.as_bytes()).expect_err(json).to_string()
    }

    #[test]
    fn an_unknown_member_is_refused_at_every_depth() {
        for (json, message) in [
            (r#"{"custmer":"c"}"#, r#"unknown member "custmer"; did you mean "customer"?"#),
            (r#"{"lines":[{"qty":1,"quantity":2}]}"#, r#"unknown member "quantity""#),
            (r#"{"prices":{"a":{"qty":1,"q":2}}}"#, r#"unknown member "q""#),
            (
                r#"{"event":{"qty":[1e400]}}"#,
                r#"unknown member "event"; known are "customer", "lines", "prices", "qty""#,
            ),
            (r#"{"":1}"#, r#"unknown member """#),
            (r#"{"q\u0074y":1,"Qty":1}"#, r#"unknown member "Qty"; did you mean "qty"?"#),
        ] {
            assert!(error(json).starts_with(message), "{json}: {}", error(json));
        }
    }

    #[test]
    fn a_repeated_member_is_refused_at_every_depth() {
        for (json, name) in [
            (r#"{"qty":1,"qty":1}"#, "qty"),
            (r#"{"qty":1,"q\u0074y":2}"#, "qty"),
            (r#"{"qty":null,"qty":2}"#, "qty"),
            (r#"{"lines":[{"qty":1},{"qty":1,"qty":2}]}"#, "qty"),
            (r#"{"prices":{"g":{"qty":1},"g":{"qty":2}}}"#, "g"),
            (r#"{"prices":{"g":{"qty":1,"qty":2}}}"#, "qty"),
        ] {
            assert!(
                error(json).starts_with(&format!("duplicate member {name:?}")),
                "{json}: {}",
                error(json)
            );
        }
    }

    #[test]
    fn the_nearest_name_is_suggested_if_it_is_near() {
        const KNOWN: &[&str] = &["qty", "customer", "ttl_s", "payment_ref", "opens_at"];
        for (name, near) in [
            ("payment_reference", Some("payment_ref")),
            ("paymentRef", Some("payment_ref")),
            ("ttl", Some("ttl_s")),
            ("quantity", Some("qty")),
            ("cust", Some("customer")),
            ("CUSTOMER", Some("customer")),
            ("open-at", Some("opens_at")),
            ("color", None),
            ("event", None),
            ("", None),
        ] {
            assert_eq!(nearest(name, KNOWN), near, "{name}");
        }
    }
}
