//! Sets of keys: which are accepted, what is shown of them, and what is derived from them.

use serde_json::{Value, json};
use signing::{KeyError, KeySetError, SigningKeys};

use crate::support::{D, X, jwk, keys, rfc_jwk};

fn error_of(jwks: &[Value]) -> KeySetError {
    SigningKeys::from_jwks(&json!({ "keys": jwks }).to_string()).unwrap_err()
}

#[test]
fn first_key_signs_and_only_public_keys_are_shown() {
    let keys = keys(&[rfc_jwk("2027-b"), jwk("2027-a", 3)]);
    assert_eq!(keys.signer_id(), "2027-b");
    let public = keys.public_jwks();
    let shown = |kid: &str, ticket_kid: &str, x: &Value| {
        json!({
            "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig",
            "kid": kid, "ticket_kid": ticket_kid, "x": x,
        })
    };
    // The thumbprint in RFC 8037, appendix A.3, begins with the 8 bytes of the first one.
    let expected = [
        shown("2027-b", "kPrK_qmxVWY", &X.into()),
        shown("2027-a", "nRIE2VmKdMg", &jwk("2027-a", 3)["x"]),
    ];
    assert_eq!(public, json!({ "keys": expected }));
    assert!(!public.to_string().contains(D));
}

#[test]
fn generated_key_is_accepted_and_named_by_its_thumbprint() {
    let text = SigningKeys::generate([9; 32]);
    let set: Value = serde_json::from_str(&text).unwrap();
    let keys = SigningKeys::from_jwks(&text).unwrap();
    assert_eq!(set["keys"][0]["kid"], keys.signer_id());
    assert_eq!(keys.signer_id().len(), 43);
    assert_eq!(text, SigningKeys::generate([9; 32]));
    assert_ne!(text, SigningKeys::generate([8; 32]));
}

#[test]
fn sets_without_one_to_eight_keys_are_refused() {
    let of = |count: u8| (0..count).map(|n| jwk(&format!("k{n}"), n)).collect::<Vec<_>>();
    assert_eq!(error_of(&[]), KeySetError::Empty);
    assert_eq!(error_of(&of(9)), KeySetError::TooMany(9));
    assert_eq!(keys(&of(8)).signer_id(), "k0");
}

#[test]
fn each_member_of_a_key_is_checked() {
    let long = "a".repeat(65);
    let padded = format!("{D}=");
    // The last character has bits that are left over.
    let loose = D.replace("uf2A", "uf2B");
    let cases = [
        ("kty", json!("EC"), KeyError::Kind),
        ("kty", Value::Null, KeyError::Kind),
        ("crv", json!("X25519"), KeyError::Kind),
        ("kid", Value::Null, KeyError::Id),
        ("kid", json!(""), KeyError::Id),
        ("kid", json!(long), KeyError::Id),
        ("kid", json!("a b"), KeyError::Id),
        ("kid", json!("a\"b"), KeyError::Id),
        ("kid", json!("é"), KeyError::Id),
        ("d", Value::Null, KeyError::PrivateKey),
        ("d", json!(padded), KeyError::PrivateKey),
        ("d", json!(loose), KeyError::PrivateKey),
        ("d", json!(D[1..]), KeyError::PrivateKey),
        ("d", json!("AAAA"), KeyError::PrivateKey),
        ("x", Value::Null, KeyError::PublicKey),
        ("x", json!("AAAA"), KeyError::PublicKey),
        ("x", jwk("other", 1)["x"].clone(), KeyError::Mismatch),
        ("d", jwk("other", 1)["d"].clone(), KeyError::Mismatch),
    ];
    for (member, value, error) in cases {
        let mut wrong = rfc_jwk("second");
        wrong[member] = value;
        let found = error_of(&[jwk("first", 1), wrong]);
        assert_eq!(found, KeySetError::Key { position: 2, error }, "{member}");
    }
    assert_eq!(keys(&[rfc_jwk(&"a".repeat(64))]).signer_id().len(), 64);
}

#[test]
fn two_keys_with_one_id_are_refused() {
    let error = KeyError::DuplicateId("same".to_owned());
    let found = error_of(&[jwk("same", 1), jwk("same", 2)]);
    assert_eq!(found, KeySetError::Key { position: 2, error });
}

#[test]
fn other_members_are_ignored() {
    let mut jwk = rfc_jwk("known");
    jwk["use"] = "sig".into();
    jwk["alg"] = "EdDSA".into();
    assert_eq!(keys(&[jwk]), keys(&[rfc_jwk("known")]));
}

#[test]
fn no_error_and_no_debug_text_shows_a_secret() {
    let as_set = format!(r#"{{"keys":"{D}"}}"#);
    let as_key = format!(r#"{{"keys":["{D}"]}}"#);
    let as_number = format!(r#"{{"keys":[{{"kid":"a","{D}":1,"x":2}}]}}"#);
    let cut = json!({ "keys": [rfc_jwk("a")] }).to_string();
    let mut mismatched = rfc_jwk("a");
    mismatched["x"] = jwk("b", 2)["x"].clone();
    let mismatched = json!({ "keys": [mismatched] }).to_string();
    for text in ["", "null", D, &as_set, &as_key, &as_number, &cut[..cut.len() - 2], &mismatched] {
        let error = SigningKeys::from_jwks(text).unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains(&D[..8]), "{shown}");
    }
    let keys = keys(&[rfc_jwk("a"), jwk("b", 7)]);
    assert_eq!(format!("{keys:?}"), r#"SigningKeys { ids: ["a", "b"], .. }"#);
}

#[test]
fn malformed_json_is_located() {
    let error = SigningKeys::from_jwks("{\n  \"keys\": 7\n}").unwrap_err();
    assert_eq!(error, KeySetError::Json { line: 2, column: 11 });
    let text = "expected a JWK Set in JSON: wrong at line 2, column 11";
    assert_eq!(error.to_string(), text);
}

#[test]
fn derived_bytes_are_those_of_hmac_sha256() {
    let keys = keys(&[jwk("new", 1), rfc_jwk("old")]);
    // From Python: hmac.new(bytes of D, b"draw", "sha256").
    let expected = "19d28b94079397505d3b1eb4f5f484732e0c5072c671700a6e8f2cd993672048";
    assert_eq!(keys.derive("old", b"draw").map(const_hex::encode).as_deref(), Some(expected));
    assert_ne!(keys.derive("new", b"draw"), keys.derive("old", b"draw"));
    assert_eq!(keys.derive("gone", b"draw"), None);
}
