//! Verification of a round.

use blst::{
    BLST_ERROR,
    min_sig::{PublicKey, Signature},
};
use sha2::{Digest, Sha256};

use crate::{
    chain::{Chain, Scheme},
    error::BeaconError,
};

/// The length of a compressed point in G1.
const SIGNATURE_BYTES: usize = 48;

impl Scheme {
    /// The domain that separates its signatures from others.
    fn domain(self) -> &'static [u8] {
        match self {
            Self::BlsUnchainedG1Rfc9380 => b"BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_NUL_",
        }
    }
}

/// Checks that `chain` signed `round` with `signature`, and returns the randomness of the round.
///
/// # Errors
/// [`BeaconError`].
pub fn verify(chain: &Chain, round: u64, signature: &[u8]) -> Result<[u8; 32], BeaconError> {
    // A point has other encodings, each with a hash of its own: only the compressed one counts.
    if signature.len() != SIGNATURE_BYTES {
        return Err(BeaconError::MalformedSignature);
    }
    let point =
        Signature::sig_validate(signature, true).map_err(|_| BeaconError::MalformedSignature)?;
    let key = PublicKey::key_validate(&chain.public_key).map_err(|_| BeaconError::PublicKey)?;
    let message = Sha256::digest(round.to_be_bytes());
    // The points have been checked.
    let (check_signature, check_key) = (false, false);
    match point.verify(check_signature, &message, chain.scheme.domain(), &[], &key, check_key) {
        BLST_ERROR::BLST_SUCCESS => Ok(Sha256::digest(signature).into()),
        _ => Err(BeaconError::WrongSignature { round }),
    }
}
