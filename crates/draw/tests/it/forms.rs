//! Text, JSON and postcard forms.

use std::fmt::{Debug, Display};

use draw::{Digest, DrawKey, Frontier, Leaf, ParseError, Seed, Threshold};
use proptest::prelude::*;
use serde::{Serialize, de::DeserializeOwned};

use crate::leaves;

/// Checks that `value` comes back from every form and has `text` and `bytes`.
fn check<T>(value: &T, text: &str, bytes: &[u8])
where
    T: Serialize + DeserializeOwned + PartialEq + Debug + Display,
    T: std::str::FromStr<Err = ParseError>,
{
    assert_eq!(value.to_string(), text);
    assert_eq!(&text.parse::<T>().unwrap(), value);
    let json = serde_json::to_string(value).unwrap();
    assert_eq!(json, format!("\"{text}\""));
    assert_eq!(&serde_json::from_str::<T>(&json).unwrap(), value);
    // From a reader, where no text can be borrowed.
    assert_eq!(&serde_json::from_reader::<_, T>(json.as_bytes()).unwrap(), value);
    assert_eq!(postcard::to_stdvec(value).unwrap(), bytes);
    assert_eq!(&postcard::from_bytes::<T>(bytes).unwrap(), value);
    let (shorter, longer) = (&text[1..], format!("{text}0"));
    let (blank, padded) = (format!(" {shorter}"), format!("{text}="));
    for wrong in ["", shorter, &longer, &blank, &padded, &text.replace(|_| true, "é")] {
        assert!(wrong.parse::<T>().is_err(), "{wrong}");
        assert!(serde_json::from_value::<T>(wrong.into()).is_err(), "{wrong}");
    }
}

proptest! {
    #[test]
    fn values_come_back_from_every_form(bytes: [u8; 32], number: u128) {
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        check(&Digest::from_bytes(bytes), &hex, &bytes);
        check(&Seed::from_bytes(bytes), &hex, &bytes);
        check(&DrawKey::from_bytes(bytes), &hex, &bytes);
        check(&Threshold::new(number), &format!("{number:032x}"), &number.to_be_bytes());
        let leaf = Leaf::from_bytes(bytes);
        check(&leaf, &leaf.to_string(), &bytes);
        prop_assert_eq!(leaf.to_string().len(), 43);
    }

    #[test]
    fn stored_frontier_grows_like_the_original(size in 0_u64..300) {
        let leaves = leaves(size + 1);
        let mut frontier = Frontier::default();
        leaves[1..].iter().for_each(|leaf| frontier.push(leaf));
        let json = serde_json::to_string(&frontier).unwrap();
        let mut read: Frontier = serde_json::from_str(&json).unwrap();
        let bytes = postcard::to_stdvec(&frontier).unwrap();
        prop_assert_eq!(&postcard::from_bytes::<Frontier>(&bytes).unwrap(), &frontier);
        frontier.push(&leaves[0]);
        read.push(&leaves[0]);
        prop_assert_eq!(&read, &frontier);
        prop_assert_eq!(read.root(), frontier.root());
    }
}

#[test]
fn each_value_has_one_text() {
    let zeros = "0".repeat(64);
    assert!(zeros.replacen('0', "A", 1).parse::<Digest>().is_err(), "upper case");
    assert!(zeros.replacen('0', "g", 1).parse::<Digest>().is_err());
    // 43 characters hold 258 bits: the last two must be 0.
    let leaf = "A".repeat(42);
    assert!(format!("{leaf}A").parse::<Leaf>().is_ok());
    for wrong in ["B", "+", "/", "="] {
        assert!(format!("{leaf}{wrong}").parse::<Leaf>().is_err(), "{wrong}");
    }
}

#[test]
fn secrets_are_hidden_from_logs() {
    assert_eq!(format!("{:?}", Seed::from_bytes([0xab; 32])), "Seed");
    assert_eq!(format!("{:?}", DrawKey::from_bytes([0xab; 32])), "DrawKey");
}

#[test]
fn frontier_is_an_object_with_hex_nodes() {
    let empty = Frontier::default();
    assert_eq!(serde_json::to_string(&empty).unwrap(), r#"{"len":0,"nodes":[]}"#);
    let mut frontier = empty;
    frontier.push(&leaves(1)[0]);
    let expected = format!(r#"{{"len":1,"nodes":["{}"]}}"#, frontier.root());
    assert_eq!(serde_json::to_string(&frontier).unwrap(), expected);
    let missing = serde_json::from_str::<Frontier>(r#"{"len":3,"nodes":[]}"#).unwrap_err();
    assert!(missing.to_string().contains("3 leaves has 2 nodes, got 0"), "{missing}");
}
