//! Keys and claims of the tests.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use signing::{PassClaims, PlaceClaims, SigningKeys};
use uuid::Uuid;

/// The key of RFC 8037, appendix A.1.
pub const D: &str = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";
/// Its public key, appendix A.2.
pub const X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

/// The key of the RFC as a JWK.
pub fn rfc_jwk(kid: &str) -> Value {
    json!({ "kty": "OKP", "crv": "Ed25519", "kid": kid, "d": D, "x": X })
}

/// A JWK of `random` bytes with an id.
pub fn jwk(kid: &str, random: u8) -> Value {
    let set: Value = serde_json::from_str(&SigningKeys::generate([random; 32])).unwrap();
    let mut jwk = set["keys"][0].clone();
    jwk["kid"] = kid.into();
    jwk
}

/// Keys of `jwks`, in their order.
pub fn keys(jwks: &[Value]) -> SigningKeys {
    SigningKeys::from_jwks(&json!({ "keys": jwks }).to_string()).unwrap()
}

/// A place.
pub fn place() -> PlaceClaims {
    PlaceClaims {
        event: "opera-2027".to_owned(),
        index: 41_233,
        leaf: "u1WV3rCnUJm2hCdbIhfyvF9y8G6c7oN6tqH0hWbGm5Q".to_owned(),
        queue: 12,
    }
}

/// A pass.
pub fn pass() -> PassClaims {
    PassClaims {
        event: "opera-2027".to_owned(),
        expires_at_s: 1_800_000_000,
        leaf: place().leaf,
        pass: Uuid::from_u128(0x0190_c8a6_51e3_7d05_8cb7_3a3f_4c1e_9b77),
        queue: 12,
    }
}

/// Base64url of a text.
pub fn encode(text: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(text)
}

/// The text of Base64url.
pub fn decode(text: &str) -> String {
    String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap()
}
