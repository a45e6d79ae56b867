//! The payloads of tokens. Their members have short names, because every call of a customer carries
//! a token.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A place in a queue: the payload of [`TokenType::Place`](crate::TokenType::Place).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlaceClaims {
    /// The event.
    #[serde(rename = "e")]
    pub event: String,
    /// The position in the order of joining, from 0.
    #[serde(rename = "i")]
    pub index: u64,
    /// The leaf of the place, in Base64url.
    #[serde(rename = "l")]
    pub leaf: String,
    /// The id of the queue.
    #[serde(rename = "q")]
    pub queue: u64,
}

/// A pass for a sale: the payload of [`TokenType::Pass`](crate::TokenType::Pass).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PassClaims {
    /// The event.
    #[serde(rename = "e")]
    pub event: String,
    /// The end of the pass, seconds since 1970. Verifying a token does not look at it: there is no
    /// clock here.
    #[serde(rename = "exp")]
    pub expires_at_s: u64,
    /// The leaf of the place that was called, in Base64url.
    #[serde(rename = "l")]
    pub leaf: String,
    /// The id of the pass.
    #[serde(rename = "p")]
    pub pass: Uuid,
    /// The id of the queue.
    #[serde(rename = "q")]
    pub queue: u64,
}
