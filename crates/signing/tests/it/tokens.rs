//! Tokens: their form, and the refusal of all that is not exactly one.

use proptest::prelude::*;
use serde::Deserialize;
use serde_json::{Value, json};
use signing::{PassClaims, PlaceClaims, SigningKeys, TOKEN_BYTES_MAX, TokenError, TokenType};

use crate::support::{decode, encode, jwk, keys, pass, place, rfc_jwk};

fn rfc_keys() -> SigningKeys {
    keys(&[rfc_jwk("2027-a")])
}

fn refusal(keys: &SigningKeys, token: &str) -> TokenError {
    keys.verify::<Value>(TokenType::Place, token).unwrap_err()
}

#[test]
fn token_has_the_fixed_header_and_short_members() {
    let keys = rfc_keys();
    let token = keys.sign(TokenType::Place, &place());
    let parts: Vec<_> = token.split('.').collect();
    assert_eq!(parts.len(), 3);
    assert_eq!(decode(parts[0]), r#"{"alg":"EdDSA","kid":"2027-a","typ":"place"}"#);
    let leaf = place().leaf;
    assert_eq!(decode(parts[1]), format!(r#"{{"e":"opera-2027","i":41233,"l":"{leaf}","q":12}}"#));
    assert_eq!(parts[2].len(), 86);

    let token = keys.sign(TokenType::Pass, &pass());
    let parts: Vec<_> = token.split('.').collect();
    assert_eq!(decode(parts[0]), r#"{"alg":"EdDSA","kid":"2027-a","typ":"pass"}"#);
    let id = "0190c8a6-51e3-7d05-8cb7-3a3f4c1e9b77";
    assert_eq!(
        decode(parts[1]),
        format!(r#"{{"e":"opera-2027","exp":1800000000,"l":"{leaf}","p":"{id}","q":12}}"#)
    );
}

#[test]
fn claims_are_read_back_and_tokens_are_deterministic() {
    let keys = rfc_keys();
    let token = keys.sign(TokenType::Place, &place());
    assert_eq!(keys.verify::<PlaceClaims>(TokenType::Place, &token), Ok(place()));
    assert_eq!(rfc_keys().sign(TokenType::Place, &place()), token);
    let token = keys.sign(TokenType::Pass, &pass());
    assert_eq!(keys.verify::<PassClaims>(TokenType::Pass, &token), Ok(pass()));
    assert_eq!(rfc_keys().sign(TokenType::Pass, &pass()), token);
}

#[test]
fn token_of_another_type_is_refused() {
    let keys = rfc_keys();
    let token = keys.sign(TokenType::Place, &place());
    let (expected, found) = (TokenType::Pass, TokenType::Place);
    let refused = keys.verify::<PlaceClaims>(expected, &token);
    assert_eq!(refused, Err(TokenError::WrongType { expected, found }));
    let text = "the token is a place and not a pass";
    assert_eq!(TokenError::WrongType { expected, found }.to_string(), text);
}

#[test]
fn every_flipped_bit_is_refused() {
    let keys = rfc_keys();
    let token = keys.sign(TokenType::Place, &place());
    for at in 0..token.len() {
        for bit in 0..7 {
            let mut bytes = token.clone().into_bytes();
            bytes[at] ^= 1 << bit;
            let changed = String::from_utf8(bytes).unwrap();
            refusal(&keys, &changed);
        }
    }
}

#[test]
fn every_cut_or_extended_token_is_refused() {
    let keys = rfc_keys();
    let token = keys.sign(TokenType::Place, &place());
    for len in 0..token.len() {
        refusal(&keys, &token[..len]);
    }
    for more in [".", "=", "==", "A", " ", "\n", ".A"] {
        refusal(&keys, &format!("{token}{more}"));
        refusal(&keys, &format!("{more}{token}"));
        refusal(&keys, &token.replacen('.', &format!("{more}."), 1));
    }
}

#[test]
fn padding_and_bits_left_over_are_refused() {
    let keys = rfc_keys();
    let token = keys.sign(TokenType::Place, &place());
    let (input, signature) = token.rsplit_once('.').unwrap();
    for padded in [format!("{input}.{signature}=="), format!("{input}=.{signature}")] {
        assert_eq!(refusal(&keys, &padded), TokenError::Malformed);
    }
    // The last character of a signature has four bits that must be 0.
    let (most, last) = token.split_at(token.len() - 1);
    assert!(["A", "Q", "g", "w"].contains(&last), "{last}");
    for other in ["B", "R", "h", "x"] {
        assert_eq!(refusal(&keys, &format!("{most}{other}")), TokenError::Malformed);
    }
}

#[test]
fn headers_that_are_not_the_fixed_one_are_refused() {
    let keys = rfc_keys();
    let token = keys.sign(TokenType::Place, &place());
    let (_, rest) = token.split_once('.').unwrap();
    let (payload, _) = rest.split_once('.').unwrap();
    for header in [
        r#"{"alg":"none","kid":"2027-a","typ":"place"}"#,
        r#"{"alg":"HS256","kid":"2027-a","typ":"place"}"#,
        r#"{"alg":"Ed25519","kid":"2027-a","typ":"place"}"#,
        r#"{"alg":"EdDSA","typ":"place","kid":"2027-a"}"#,
        r#"{"alg": "EdDSA","kid":"2027-a","typ":"place"}"#,
        r#"{"alg":"EdDSA","kid":"2027-b","typ":"place"}"#,
        r#"{"alg":"EdDSA","kid":"2027-a","typ":"PLACE"}"#,
        r#"{"alg":"EdDSA","kid":"2027-a","typ":"ticket"}"#,
        r#"{"alg":"EdDSA","kid":"2027-a"}"#,
        r#"{"alg":"EdDSA","kid":"2027-a","typ":"place","crit":[]}"#,
        "",
    ] {
        let header = encode(header);
        assert_eq!(refusal(&keys, &format!("{header}.{rest}")), TokenError::UnknownKey);
        assert_eq!(refusal(&keys, &format!("{header}.{payload}.")), TokenError::UnknownKey);
    }
}

#[test]
fn signature_of_another_token_or_key_is_refused() {
    let keys = rfc_keys();
    let token = keys.sign(TokenType::Place, &place());
    let (input, signature) = token.rsplit_once('.').unwrap();
    let next = PlaceClaims { index: 0, ..place() };
    let other = keys.sign(TokenType::Place, &next);
    let (other_input, _) = other.rsplit_once('.').unwrap();
    assert_eq!(refusal(&keys, &format!("{other_input}.{signature}")), TokenError::Signature);
    // The same id, another key.
    let forged = crate::support::keys(&[jwk("2027-a", 5)]).sign(TokenType::Place, &place());
    assert_eq!(refusal(&keys, &forged), TokenError::Signature);
    let zeros = "A".repeat(86);
    assert_eq!(refusal(&keys, &format!("{input}.{zeros}")), TokenError::Signature);
    assert_eq!(refusal(&keys, &format!("{input}.")), TokenError::Malformed);
}

#[test]
fn rotation_keeps_tokens_of_the_old_key_valid() {
    let (old, new) = (jwk("old", 1), jwk("new", 2));
    let before = keys(std::slice::from_ref(&old));
    let during = keys(&[new.clone(), old]);
    let after = keys(&[new]);
    let old_token = before.sign(TokenType::Place, &place());
    let new_token = during.sign(TokenType::Place, &place());
    assert_ne!(old_token, new_token);
    for token in [&old_token, &new_token] {
        assert_eq!(during.verify::<PlaceClaims>(TokenType::Place, token), Ok(place()));
    }
    assert_eq!(after.verify::<PlaceClaims>(TokenType::Place, &new_token), Ok(place()));
    assert_eq!(refusal(&after, &old_token), TokenError::UnknownKey);
    assert_eq!(refusal(&before, &new_token), TokenError::UnknownKey);
}

#[test]
fn signed_payload_of_another_form_is_refused() {
    let keys = rfc_keys();
    let more = json!({ "e": "a", "i": 1, "l": "b", "q": 2, "z": 3 });
    for payload in [json!({}), json!([]), json!("text"), more] {
        let token = keys.sign(TokenType::Place, &payload);
        let refused = keys.verify::<PlaceClaims>(TokenType::Place, &token);
        assert_eq!(refused, Err(TokenError::Claims));
    }
}

#[test]
fn longest_token_is_verified_and_a_longer_one_refused() {
    #[derive(Debug, PartialEq, Deserialize)]
    struct Text(String);
    let keys = rfc_keys();
    let token = |len: usize| keys.sign(TokenType::Place, &"a".repeat(len));
    let longest = (0..TOKEN_BYTES_MAX).rev().find(|len| {
        // Header, payload in quotes and signature.
        59 + 1 + ((len + 2) * 4).div_ceil(3) + 1 + 86 <= TOKEN_BYTES_MAX
    });
    let longest = longest.unwrap();
    let signed = token(longest);
    assert!(signed.len() > TOKEN_BYTES_MAX - 4, "{}", signed.len());
    let read = keys.verify::<Text>(TokenType::Place, &signed);
    assert_eq!(read, Ok(Text("a".repeat(longest))));
    assert_eq!(refusal(&keys, &"a".repeat(TOKEN_BYTES_MAX + 1)), TokenError::TooLong);
    assert_eq!(refusal(&keys, &"a".repeat(TOKEN_BYTES_MAX)), TokenError::Malformed);
}

proptest! {
    #[test]
    fn arbitrary_text_is_refused(token in ".{0,300}") {
        prop_assert!(rfc_keys().verify::<Value>(TokenType::Place, &token).is_err());
    }

    #[test]
    fn arbitrary_parts_after_a_known_header_are_refused(
        payload in "[A-Za-z0-9_=.-]{0,80}",
        signature in "([A-Za-z0-9_-]{86}|[A-Za-z0-9_.=-]{0,90})",
    ) {
        let keys = rfc_keys();
        let token = keys.sign(TokenType::Place, &place());
        let header = token.split('.').next().unwrap();
        let forged = format!("{header}.{payload}.{signature}");
        prop_assert!(keys.verify::<Value>(TokenType::Place, &forged).is_err());
    }

    #[test]
    fn any_claims_are_read_back(event in ".{0,60}", index: u64, leaf in ".{0,43}", queue: u64) {
        let claims = PlaceClaims { event, index, leaf, queue };
        let keys = rfc_keys();
        let token = keys.sign(TokenType::Place, &claims);
        prop_assert_eq!(keys.verify::<PlaceClaims>(TokenType::Place, &token), Ok(claims));
    }

    #[test]
    fn any_seed_makes_an_accepted_key(random: [u8; 32]) {
        let keys = SigningKeys::from_jwks(&SigningKeys::generate(random)).unwrap();
        let token = keys.sign(TokenType::Pass, &pass());
        prop_assert_eq!(keys.verify::<PassClaims>(TokenType::Pass, &token), Ok(pass()));
    }
}
