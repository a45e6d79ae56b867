//! One key pair.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use ed25519_dalek::{Signature, Signer, SigningKey};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::token_type::TokenType;

/// Bytes of a [`TicketKeyId`].
pub const TICKET_KEY_ID_BYTES: usize = 8;

/// The id of a key in tickets: the first bytes of the SHA-256 thumbprint of its public key
/// (RFC 7638), as short as a QR code needs it.
pub type TicketKeyId = [u8; TICKET_KEY_ID_BYTES];

/// A key pair with its id. Dropping it wipes the private key.
pub(crate) struct Key {
    id: String,
    pair: SigningKey,
    /// Its id in tickets: the first bytes of its thumbprint.
    ticket_id: TicketKeyId,
    /// The first second of the sales whose tickets it signs.
    tickets_from_s: u64,
    /// The encoded header of each type of token, in the order of [`TokenType::ALL`].
    headers: [String; TokenType::ALL.len()],
}

impl Key {
    pub(crate) fn new(id: String, pair: SigningKey, tickets_from_s: u64) -> Self {
        let headers = TokenType::ALL.map(|typ| {
            let header = format!(r#"{{"alg":"EdDSA","kid":"{id}","typ":"{typ}"}}"#);
            BASE64_URL_SAFE_NO_PAD.encode(header)
        });
        let mut ticket_id = [0; TICKET_KEY_ID_BYTES];
        ticket_id.copy_from_slice(&digest(&pair)[..TICKET_KEY_ID_BYTES]);
        Self { id, pair, ticket_id, tickets_from_s, headers }
    }

    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    pub(crate) fn ticket_id(&self) -> TicketKeyId {
        self.ticket_id
    }

    pub(crate) fn tickets_from_s(&self) -> u64 {
        self.tickets_from_s
    }

    /// The header of tokens of `typ` that this key signs, encoded.
    pub(crate) fn header(&self, typ: TokenType) -> &str {
        &self.headers[typ as usize]
    }

    /// The type of the tokens with `header`, if it is one of this key's.
    pub(crate) fn type_of(&self, header: &str) -> Option<TokenType> {
        TokenType::ALL.into_iter().find(|typ| self.header(*typ) == header)
    }

    /// The signature of `message`, encoded.
    pub(crate) fn sign(&self, message: &str) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(self.sign_bytes(message.as_bytes()))
    }

    /// The signature of `message`.
    pub(crate) fn sign_bytes(&self, message: &[u8]) -> [u8; 64] {
        self.pair.sign(message).to_bytes()
    }

    /// Whether `signature` is that of `message`.
    pub(crate) fn verify(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        self.pair.verify_strict(message, &Signature::from_bytes(signature)).is_ok()
    }

    /// HMAC-SHA256 of `message` with the private key.
    pub(crate) fn derive(&self, message: &[u8]) -> [u8; 32] {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(self.pair.as_bytes()) else {
            unreachable!("HMAC takes a key of any length")
        };
        mac.update(message);
        mac.finalize().into_bytes().into()
    }

    /// The public key as a JWK.
    pub(crate) fn public_jwk(&self) -> Value {
        json!({
            "kty": "OKP",
            "crv": "Ed25519",
            "alg": "EdDSA",
            "use": "sig",
            "kid": self.id,
            "ticket_kid": BASE64_URL_SAFE_NO_PAD.encode(self.ticket_id),
            "x": public_text(&self.pair),
        })
    }

    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.id == other.id
            && self.pair == other.pair
            && self.tickets_from_s == other.tickets_from_s
    }
}

/// A private key in a JWK, with its thumbprint as its id.
pub(crate) fn private_jwk(secret: &[u8; 32]) -> String {
    let pair = SigningKey::from_bytes(secret);
    let (kid, x) = (thumbprint(&pair), public_text(&pair));
    let d = BASE64_URL_SAFE_NO_PAD.encode(secret);
    format!(r#"{{"kty":"OKP","crv":"Ed25519","kid":"{kid}","d":"{d}","x":"{x}"}}"#)
}

/// The thumbprint of the public key by RFC 7638.
fn thumbprint(pair: &SigningKey) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(digest(pair))
}

fn digest(pair: &SigningKey) -> [u8; 32] {
    let members = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, public_text(pair));
    Sha256::digest(members).into()
}

fn public_text(pair: &SigningKey) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(pair.verifying_key().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The private key of RFC 8037, appendix A.1.
    fn example() -> SigningKey {
        let text = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";
        SigningKey::from_bytes(&BASE64_URL_SAFE_NO_PAD.decode(text).unwrap().try_into().unwrap())
    }

    #[test]
    fn key_of_rfc_8037_has_its_public_key_and_thumbprint() {
        assert_eq!(public_text(&example()), "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
        assert_eq!(thumbprint(&example()), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }

    #[test]
    fn jws_of_rfc_8037_is_signed_alike() {
        let key = Key::new("example".to_owned(), example(), 0);
        let input = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
        let signature = "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
        assert_eq!(key.sign(input), signature);
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(signature).unwrap().try_into().unwrap();
        assert!(key.verify(input.as_bytes(), &bytes));
        assert!(!key.verify(&input.as_bytes()[1..], &bytes));
    }

    #[test]
    fn headers_are_those_of_the_protocol() {
        let key = Key::new("2027-a".to_owned(), example(), 0);
        let header = BASE64_URL_SAFE_NO_PAD.decode(key.header(TokenType::Place)).unwrap();
        assert_eq!(header, br#"{"alg":"EdDSA","kid":"2027-a","typ":"place"}"#);
        let header = BASE64_URL_SAFE_NO_PAD.decode(key.header(TokenType::Pass)).unwrap();
        assert_eq!(header, br#"{"alg":"EdDSA","kid":"2027-a","typ":"pass"}"#);
    }
}
