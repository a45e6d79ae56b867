//! A relay's response.

use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::error::BeaconError;

/// A round as relays show it. Other members are for other schemes.
#[derive(Deserialize)]
struct RoundBody {
    round: u64,
    signature: String,
    randomness: Option<String>,
}

/// The signature in a response about `round`.
pub fn signature_in(body: &[u8], round: u64) -> Result<Vec<u8>, BeaconError> {
    let body: RoundBody = serde_json::from_slice(body).map_err(|_| BeaconError::Response)?;
    if body.round != round {
        return Err(BeaconError::WrongRound { expected: round, found: body.round });
    }
    let signature = const_hex::decode(&body.signature).map_err(|_| BeaconError::Response)?;
    let randomness = const_hex::encode(Sha256::digest(&signature));
    // Some relays leave it out.
    match body.randomness {
        Some(claimed) if claimed != randomness => Err(BeaconError::Response),
        _ => Ok(signature),
    }
}
