//! Texts that are not tickets.

use proptest::prelude::*;
use tickets::{TEXT_BYTES_MAX, Ticket, TicketError};

use crate::support::{keys, ticket};

const ALPHABET: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";

#[test]
fn other_texts_are_refused() {
    let text = ticket().sign(&keys(1));
    let body = &text[5..];
    for wrong in [
        String::new(),
        "TKT1:".to_owned(),
        body.to_owned(),
        format!("TKT2:{body}"),
        format!("tkt1:{body}"),
        format!(" {text}"),
        format!("{text} "),
        format!("{text}0"),
        format!("{text}000"),
        text[..text.len() - 3].to_owned(),
        text.to_lowercase(),
        "TKT1:\u{1F39F}".to_owned(),
    ] {
        assert_eq!(Ticket::verify(&keys(1), &wrong), Err(TicketError::Malformed), "{wrong:?}");
    }
    let long = format!("TKT1:{}", "0".repeat(TEXT_BYTES_MAX));
    assert_eq!(Ticket::verify(&keys(1), &long), Err(TicketError::TooLong));
    assert_eq!(Ticket::verify(&keys(2), &text), Err(TicketError::Signature));
}

/// Other characters at every place.
#[test]
fn no_changed_character_is_accepted() {
    let text = ticket().sign(&keys(1));
    for at in 0..text.len() {
        for other in
            ALPHABET.iter().skip(at % 5).step_by(5).filter(|other| text.as_bytes()[at] != **other)
        {
            let mut changed = text.clone().into_bytes();
            changed[at] = *other;
            let changed = String::from_utf8(changed).unwrap();
            assert!(Ticket::verify(&keys(1), &changed).is_err(), "{changed}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_else_is_accepted(
        cuts in proptest::collection::vec((0..220_usize, 0..4_usize, "[0-9A-Z $%*+./:-]{0,4}"), 1..5),
    ) {
        let text = ticket().sign(&keys(1));
        let mut changed = text.clone();
        for (at, len, other) in cuts {
            let from = at.min(changed.len());
            let to = (from + len).min(changed.len());
            changed.replace_range(from..to, &other);
        }
        prop_assert!(changed == text || Ticket::verify(&keys(1), &changed).is_err(), "{}", changed);
    }

    #[test]
    fn no_text_panics(text in "(TKT1:)?.{0,300}") {
        prop_assert!(Ticket::verify(&keys(1), &text).is_err());
    }
}
