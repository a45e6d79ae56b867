//! The keys that sign places in waiting rooms, passes and tickets. They are one Secret, which pods
//! read as a file.

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

/// How long the pods have to read a new key before it signs tickets, seconds.
const TICKETS_DELAY_S: u64 = 600;

/// A JWK Set with a new key, made of `random`, before those of `current`. What they have signed
/// stays valid, and draws that were committed with them can be revealed. The new key signs the
/// tickets of sales from ten minutes after `now_s` on.
///
/// # Errors
/// [`KeySetError`], if `current` is no JWK Set of signing keys, or is full: which key goes is not
/// for this function to say, because its tickets go with it.
pub fn rotated(current: &str, random: [u8; 32], now_s: u64) -> Result<String, KeySetError> {
    SigningKeys::from_jwks(current)?;
    let set = |text: &str| -> Vec<Value> {
        let mut set: Value = serde_json::from_str(text).unwrap_or_default();
        match set["keys"].take() {
            Value::Array(keys) => keys,
            _ => Vec::new(),
        }
    };
    let mut keys = set(&SigningKeys::generate(random));
    for key in &mut keys {
        key["signs_tickets_from"] = (now_s + TICKETS_DELAY_S).into();
    }
    keys.extend(set(current));
    let rotated = format!("{}\n", json!({ "keys": keys }));
    SigningKeys::from_jwks(&rotated).map(|_| rotated)
}

#[cfg(test)]
mod tests {
    use signing::{PlaceClaims, TokenType};

    use super::*;

    const NOW_S: u64 = 1_800_000_000;

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
        let second = rotated(&first, [2; 32], NOW_S).expect("rotated");
        let both = keys(&second);
        assert_eq!(both.signer_id(), keys(&SigningKeys::generate([2; 32])).signer_id());
        assert_eq!(both.verify::<PlaceClaims>(TokenType::Place, &token), Ok(place));
        let seed = |keys: &SigningKeys| keys.derive(old.signer_id(), b"draw");
        assert!(seed(&both).is_some() && seed(&both) == seed(&old), "draws can be revealed");

        let mut text = second;
        for number in 3..=8 {
            text = rotated(&text, [number; 32], NOW_S).expect("rotated");
        }
        let count = |keys: &SigningKeys| keys.public_jwks()["keys"].as_array().map(Vec::len);
        let eight = keys(&text);
        assert_eq!((count(&eight), seed(&eight)), (Some(8), seed(&old)));
        let full = rotated(&text, [9; 32], NOW_S);
        assert_eq!(full, Err(KeySetError::TooMany(9)), "none is dropped silently");
        assert!(both.derive(old.signer_id(), b"draw").is_some());
    }

    #[test]
    fn tickets_sold_before_a_rotation_keep_their_key() {
        let first = SigningKeys::generate([1; 32]);
        let (old, both) = (keys(&first), keys(&rotated(&first, [2; 32], NOW_S).expect("rotated")));
        let id = |keys: &SigningKeys, at_s| keys.ticket_key(at_s).id();
        assert_eq!(id(&both, NOW_S + 599), id(&old, 0));
        assert_eq!(id(&both, NOW_S + 600), id(&keys(&SigningKeys::generate([2; 32])), 0));
    }

    #[test]
    fn rotation_refuses_what_the_services_refuse() {
        for text in ["", "{}", "{\"keys\":[]}", "{\"keys\":[{\"kid\":\"a\"}]}"] {
            assert!(
                rotated(text, [1; 32], NOW_S).is_err() && check(text.as_bytes()).is_err(),
                "{text}"
            );
        }
        let same = SigningKeys::generate([1; 32]);
        assert!(rotated(&same, [1; 32], NOW_S).is_err(), "the new key is the old one");
        assert!(check(b"{\"keys\":[\xff]}").is_err());
        assert_eq!(check(same.as_bytes()), Ok(()));
    }
}
