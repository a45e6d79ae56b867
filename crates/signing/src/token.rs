//! Tokens in JWS compact serialization.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::{Serialize, de::DeserializeOwned};
use thiserror::Error;

use crate::{key_set::SigningKeys, token_type::TokenType};

/// The longest token that is verified, bytes.
pub const TOKEN_BYTES_MAX: usize = 2_048;

/// Why a token is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TokenError {
    /// It is too long.
    #[error("the token has more than {TOKEN_BYTES_MAX} bytes")]
    TooLong,
    /// It is not in JWS compact serialization.
    #[error("the token is malformed")]
    Malformed,
    /// Its header is not that of a known key: another system or a removed key signed it.
    #[error("no known key has signed the token")]
    UnknownKey,
    /// It is for something else.
    #[error("the token is a {found} and not a {expected}")]
    WrongType {
        /// The type that was expected.
        expected: TokenType,
        /// Its type.
        found: TokenType,
    },
    /// Its signature is wrong.
    #[error("the signature of the token is wrong")]
    Signature,
    /// Its payload, although signed, is of another form.
    #[error("the payload of the token is not understood")]
    Claims,
}

impl SigningKeys {
    /// The token of `typ` with `payload`. The same payload has the same token.
    ///
    /// # Panics
    /// When `payload` has no form in JSON, such as a map whose keys are not texts.
    /// [`PlaceClaims`](crate::PlaceClaims) and [`PassClaims`](crate::PassClaims) always have one.
    #[must_use]
    pub fn sign(&self, typ: TokenType, payload: &impl Serialize) -> String {
        let Ok(payload) = serde_json::to_vec(payload) else {
            unreachable!("a payload has a form in JSON")
        };
        let signer = self.signer();
        let mut token = String::from(signer.header(typ));
        token.push('.');
        BASE64_URL_SAFE_NO_PAD.encode_string(payload, &mut token);
        let signature = signer.sign(&token);
        token.push('.');
        token.push_str(&signature);
        debug_assert!(token.len() <= TOKEN_BYTES_MAX, "no token is longer than verify accepts");
        token
    }

    /// The payload of a token of `typ`. Its header must be, byte for byte, the one that a key of
    /// this set would write: nothing in a token selects an algorithm. The caller checks an expiry.
    ///
    /// # Errors
    /// [`TokenError`].
    pub fn verify<T: DeserializeOwned>(
        &self,
        typ: TokenType,
        token: &str,
    ) -> Result<T, TokenError> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(TokenError::TooLong);
        }
        let (input, signature) = token.rsplit_once('.').ok_or(TokenError::Malformed)?;
        let (header, payload) = input.split_once('.').ok_or(TokenError::Malformed)?;
        let key_and_type =
            self.keys().iter().find_map(|key| key.type_of(header).map(|found| (key, found)));
        let (key, found) = key_and_type.ok_or(TokenError::UnknownKey)?;
        if found != typ {
            return Err(TokenError::WrongType { expected: typ, found });
        }
        let signature = decode(signature)?.try_into().map_err(|_| TokenError::Malformed)?;
        let payload = decode(payload)?;
        if !key.verify(input.as_bytes(), &signature) {
            return Err(TokenError::Signature);
        }
        serde_json::from_slice(&payload).map_err(|_| TokenError::Claims)
    }
}

/// Decodes strictly: no padding, and no bits that are left over.
fn decode(text: &str) -> Result<Vec<u8>, TokenError> {
    BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| TokenError::Malformed)
}
