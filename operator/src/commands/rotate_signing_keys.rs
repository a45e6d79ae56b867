//! `operator rotate-signing-keys`: puts a new signing key before the current one.

use std::io::Read;

use k8s_openapi::jiff::Timestamp;
use rand::Rng;
use signing::KeySetError;

use crate::signing_keys::rotated;

/// Most bytes that are read.
const MAX_BYTES: u64 = 65_536;

/// Why the keys cannot be rotated.
#[derive(Debug, thiserror::Error)]
pub enum RotateError {
    #[error("cannot read standard input: {0}")]
    Read(#[from] std::io::Error),
    #[error("standard input: {0}")]
    Invalid(#[from] KeySetError),
}

/// Reads a JWK Set from `input`. Returns one with a new key first and the current ones behind it.
///
/// # Errors
/// If `input` cannot be read or is no JWK Set of signing keys. The message shows no key.
pub fn rotate(input: impl Read) -> Result<String, RotateError> {
    let mut current = String::new();
    input.take(MAX_BYTES).read_to_string(&mut current)?;
    let mut random = [0; 32];
    rand::rng().fill_bytes(&mut random);
    let now_s = u64::try_from(Timestamp::now().as_second()).unwrap_or(0);
    Ok(rotated(&current, random, now_s)?)
}
