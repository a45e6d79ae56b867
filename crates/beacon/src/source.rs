//! Where signatures come from.

use std::pin::Pin;

use crate::{chain::Chain, error::BeaconError, verify::verify};

/// A future in a box.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A verified round.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beacon {
    /// Its number.
    pub round: u64,
    /// The signature of the chain.
    pub signature: Vec<u8>,
    /// The hash of the signature.
    pub randomness: [u8; 32],
}

/// A source of signatures, which need not be trusted.
pub trait BeaconSource: Send + Sync {
    /// The signature of `round`. The caller verifies it.
    ///
    /// # Errors
    /// [`BeaconError`].
    fn fetch<'a>(
        &'a self,
        chain: &'a Chain,
        round: u64,
    ) -> BoxFuture<'a, Result<Vec<u8>, BeaconError>>;

    /// Fetches `round` and verifies it.
    ///
    /// # Errors
    /// [`BeaconError`].
    fn fetch_verified<'a>(
        &'a self,
        chain: &'a Chain,
        round: u64,
    ) -> BoxFuture<'a, Result<Beacon, BeaconError>> {
        Box::pin(async move {
            let signature = self.fetch(chain, round).await?;
            let randomness = verify(chain, round, &signature)?;
            Ok(Beacon { round, signature, randomness })
        })
    }
}
