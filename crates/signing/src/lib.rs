//! The signing keys of the system, and the tokens that they sign.
//!
//! [`SigningKeys`] are the keys of a file, a JWK Set (RFC 7517, RFC 8037). The first one signs and
//! all of them verify, so a new key is put before the old one, and the old one is removed when its
//! last token has expired. Tickets outlive it: which key signs them follows from the time of the
//! sale ([`SigningKeys::ticket_key`]), and a removed key makes them invalid. Tokens are in JWS
//! compact serialization (RFC 7515) with Ed25519:
//!
//! ```
//! use signing::{PlaceClaims, SigningKeys, TokenType};
//!
//! let keys = SigningKeys::from_jwks(&SigningKeys::generate([7; 32]))?;
//! let place =
//!     PlaceClaims { event: "opera".to_owned(), index: 4, leaf: "bGVhZg".to_owned(), queue: 12 };
//! let token = keys.sign(TokenType::Place, &place);
//! assert_eq!(keys.verify::<PlaceClaims>(TokenType::Place, &token)?, place);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![warn(missing_docs)]

mod claims;
mod file;
mod jwk;
mod key;
mod key_set;
mod live;
mod tickets;
mod token;
mod token_type;

pub use claims::{PassClaims, PlaceClaims};
pub use file::{FILE_NAME, KeyFileError};
pub use jwk::{KeyError, KeySetError};
pub use key::{TICKET_KEY_ID_BYTES, TicketKeyId};
pub use key_set::SigningKeys;
pub use live::LiveKeys;
pub use tickets::TicketKey;
pub use token::{TOKEN_BYTES_MAX, TokenError};
pub use token_type::TokenType;
