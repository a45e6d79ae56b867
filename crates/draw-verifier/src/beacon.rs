//! Public randomness that a draw is mixed with.

use std::fmt;

/// Checks the signature of a beacon: takes the hash of its chain, the round and the signature, and
/// returns the round's randomness, or why the signature is not of that round.
pub type BeaconCheck<'a> = dyn Fn(&str, u64, &[u8]) -> Result<[u8; 32], String> + 'a;

/// When the rounds of a chain are published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChainInfo {
    /// The time of round 1, Unix seconds.
    pub genesis_s: u64,
    /// Seconds between rounds.
    pub period_s: u64,
}

impl ChainInfo {
    /// When a round is published, Unix milliseconds.
    pub(crate) fn round_at_ms(&self, round: u64) -> u64 {
        let since = round.saturating_sub(1).saturating_mul(self.period_s);
        self.genesis_s.saturating_add(since).saturating_mul(1_000)
    }
}

/// What the caller knows about beacons.
#[derive(Clone, Copy)]
pub struct Beacons<'a> {
    /// Checks signatures.
    pub check: &'a BeaconCheck<'a>,
    /// When a chain's rounds are published, by its hash. The time of a round is not checked for
    /// chains that it does not know.
    pub chain_info: &'a dyn Fn(&str) -> Option<ChainInfo>,
}

impl fmt::Debug for Beacons<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Beacons").finish_non_exhaustive()
    }
}
