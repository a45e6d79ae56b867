//! The keys that sign places in waiting rooms and passes. They are one Secret, which pods read as a
//! file.

use serde_json::{Value, json};
use signing::{KeySetError, SigningKeys};

/// Key of the JWK Set in the Secret, and name of the file in the pods.
pub const KEYS_KEY: &str = "keys.json";
/// Name of the volume with the keys.
pub const VOLUME: &str = "signing-keys";
/// The folder of the keys in the pods.
pub const FOLDER: &str = "/etc/ticket-system/signing-keys";
/// The setting of the services with the file of the keys.
pub const SETTING: &str = "SIGNING_KEYS_FILE";

/// Name of the Secret with the keys, for the system `name`.
pub fn secret(name: &str) -> String {
    format!("{name}-{VOLUME}")
}

/// The signing keys of one system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeySet {
    /// The content of the Secret: a JWK Set.
    pub value: Vec<u8>,
    /// Whether another program writes the Secret.
    pub is_external: bool,
}

/// Whether the services accept `value`.
///
/// # Errors
/// [`KeySetError`], which shows no key.
pub fn check(value: &[u8]) -> Result<(), KeySetError> {
    // A replaced byte is no JSON, or belongs to no key.
    SigningKeys::from_jwks(&String::from_utf8_lossy(value)).map(|_| ())
}

/// A JWK Set with a new key, made of `random`, before the key of `current` that signs. What that
/// key has signed stays valid, and draws that were committed with it can be revealed. Older keys
/// are left out.
///
/// # Errors
/// [`KeySetError`], if `current` is no JWK Set of signing keys.
pub fn rotated(current: &str, random: [u8; 32]) -> Result<String, KeySetError> {
    SigningKeys::from_jwks(current)?;
    let first = |text: &str| -> Value {
        let set: Value = serde_json::from_str(text).unwrap_or_default();
        set["keys"][0].clone()
    };
    let keys = [first(&SigningKeys::generate(random)), first(current)];
    let rotated = format!("{}\n", json!({ "keys": keys }));
    SigningKeys::from_jwks(&rotated).map(|_| rotated)
}

#[cfg(test)]
mod tests {
    use signing::{PlaceClaims, TokenType};

    use super::*;

    fn keys(text: &str) -> SigningKeys {
        SigningKeys::from_jwks(text).expect("a JWK Set")
    }

    #[test]
    fn rotation_keeps_the_key_that_signed() {
        let first = SigningKeys::generate([1; 32]);
        let old = keys(&first);
        let place =
            PlaceClaims { event: "opera".into(), index: 4, leaf: "bGVhZg".into(), queue: 12 };
        let token = old.sign(TokenType::Place, &place);
        let second = rotated(&first, [2; 32]).expect("rotated");
        let both = keys(&second);
        assert_eq!(both.signer_id(), keys(&SigningKeys::generate([2; 32])).signer_id());
        assert_eq!(both.verify::<PlaceClaims>(TokenType::Place, &token), Ok(place));
        let seed = |keys: &SigningKeys| keys.derive(old.signer_id(), b"draw");
        assert!(seed(&both).is_some() && seed(&both) == seed(&old), "draws can be revealed");

        let third = keys(&rotated(&second, [3; 32]).expect("rotated"));
        let count = third.public_jwks()["keys"].as_array().map(Vec::len);
        assert_eq!(count, Some(2), "at most two");
        assert!(third.derive(both.signer_id(), b"draw").is_some());
        assert_eq!(third.derive(old.signer_id(), b"draw"), None);
    }

    #[test]
    fn rotation_refuses_what_the_services_refuse() {
        for text in ["", "{}", "{\"keys\":[]}", "{\"keys\":[{\"kid\":\"a\"}]}"] {
            assert!(rotated(text, [1; 32]).is_err() && check(text.as_bytes()).is_err(), "{text}");
        }
        let same = SigningKeys::generate([1; 32]);
        assert!(rotated(&same, [1; 32]).is_err(), "the new key is the old one");
        assert!(check(b"{\"keys\":[\xff]}").is_err());
        assert_eq!(check(same.as_bytes()), Ok(()));
    }
}
