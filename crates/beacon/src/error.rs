//! Why there is no beacon.

use std::time::Duration;

use thiserror::Error;

/// Why a round cannot be fetched, or is not what it should be. No text shows what a relay sent.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BeaconError {
    /// The public key of the chain is not one.
    #[error("the public key of the chain is not a point of its curve")]
    PublicKey,
    /// The signature cannot be one of the chain.
    #[error("the signature is not a compressed point of the chain's curve")]
    MalformedSignature,
    /// The chain has not signed the round so.
    #[error("the signature is not that of round {round}")]
    WrongSignature {
        /// The round.
        round: u64,
    },
    /// The relay does not have the round: it is not published, or the relay lags.
    #[error("round {round} is not published yet")]
    NotYet {
        /// The round.
        round: u64,
    },
    /// The response is about another round.
    #[error("the response is about round {found} and not about {expected}")]
    WrongRound {
        /// The round that was asked for.
        expected: u64,
        /// The round of the response.
        found: u64,
    },
    /// The response is something else.
    #[error("the response is not a round")]
    Response,
    /// The response is too long.
    #[error("the response has more than {0} bytes")]
    TooLong(usize),
    /// The relay refused, or is elsewhere: redirects are not followed.
    #[error("status {0}")]
    Status(u16),
    /// No response.
    #[error("no connection: {0}")]
    Connection(String),
    /// No response in time.
    #[error("no response within {} s", .0.as_secs_f64())]
    TimedOut(Duration),
    /// The client cannot be made.
    #[error("TLS: {0}")]
    Tls(String),
}
