//! A public randomness beacon: [drand](https://docs.drand.love).
//!
//! The members of a beacon sign the number of each round together, at a fixed time. The signature
//! cannot be predicted, and the public key of the [`Chain`] accepts only one. Its hash is the
//! randomness of the round:
//!
//! ```
//! use beacon::{Chain, verify};
//!
//! let chain = Chain::QUICKNET;
//! let round = chain.round_at(1_692_803_733_000);
//! assert_eq!(round, 123);
//! let signature = "b75c69d0b72a5d906e854e808ba7e2accb1542ac355ae486d591aa9d43765482\
//!                  e26cd02df835d3546d23c4b13e0dfc92";
//! let randomness = verify(&chain, round, &const_hex::decode(signature).expect("hex"))?;
//! assert_eq!(const_hex::encode(randomness).get(..8), Some("fb8f7bc2"));
//! # Ok::<(), beacon::BeaconError>(())
//! ```
//!
//! A [`BeaconSource`] fetches signatures. The feature `http` brings one that asks relays of drand.
#![warn(missing_docs)]

mod chain;
mod error;
#[cfg(feature = "http")]
mod http;
mod source;
mod verify;

pub use chain::{Chain, Scheme};
pub use error::BeaconError;
pub use source::{Beacon, BeaconSource, BoxFuture};
pub use verify::verify;

#[cfg(feature = "http")]
pub use self::http::{HttpBeacon, LEAGUE_OF_ENTROPY_URLS, UrlError};
