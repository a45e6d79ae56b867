//! Chains: who signs, and when.

use std::fmt;

/// How a chain signs its rounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// BLS signatures in G1 with public keys in G2, hashed to the curve as RFC 9380 has it. A
    /// round is signed without the one before.
    BlsUnchainedG1Rfc9380,
}

impl Scheme {
    /// The name in drand.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Self::BlsUnchainedG1Rfc9380 => "bls-unchained-g1-rfc9380",
        }
    }
}

/// A chain of drand: a group of members with a public key, and the times of its rounds.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Chain {
    /// The hash that names it.
    pub hash: [u8; 32],
    /// The public key of the group, a compressed point in G2.
    pub public_key: [u8; 96],
    /// The time of round 1, seconds since 1970.
    pub genesis_s: u64,
    /// The time between two rounds, seconds.
    pub period_s: u64,
    /// How it signs.
    pub scheme: Scheme,
}

impl Chain {
    /// The chain `quicknet` of the League of Entropy: a round every 3 seconds.
    pub const QUICKNET: Self = Self {
        hash: bytes("52db9ba70e0cc0f6eaf7803dd07447a1f5477735fd3f661792ba94600c84e971"),
        public_key: bytes(
            "83cf0f2896adee7eb8b5f01fcad3912212c437e0073e911fb90022d3e760183c8c4b450b6a0a6c3ac6a5776a2d1064510d1fec758c921cc22b0e17e63aaf4bcb5ed66304de9cf809bd274ca73bab4af5a6e9c76a4bc09e76eae8991ef5ece45a",
        ),
        genesis_s: 1_692_803_367,
        period_s: 3,
        scheme: Scheme::BlsUnchainedG1Rfc9380,
    };

    /// The known chain with this hash, in lower-case hex.
    #[must_use]
    pub fn by_hash(hash: &str) -> Option<Self> {
        [Self::QUICKNET].into_iter().find(|chain| chain.hash_hex() == hash)
    }

    /// Its hash in lower-case hex.
    #[must_use]
    pub fn hash_hex(&self) -> String {
        const_hex::encode(self.hash)
    }

    /// The first round that is published at `time_ms`, milliseconds since 1970, or later.
    #[must_use]
    pub fn round_at(&self, time_ms: u64) -> u64 {
        let since_genesis_ms = time_ms.saturating_sub(ms(self.genesis_s));
        since_genesis_ms.div_ceil(ms(self.period_s).max(1)).saturating_add(1)
    }

    /// The time at which `round` is published, milliseconds since 1970. Rounds begin at 1.
    #[must_use]
    pub fn time_of_ms(&self, round: u64) -> u64 {
        let since_genesis_s = round.saturating_sub(1).saturating_mul(self.period_s);
        ms(self.genesis_s.saturating_add(since_genesis_s))
    }
}

impl fmt::Debug for Chain {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Chain").field("hash", &self.hash_hex()).finish_non_exhaustive()
    }
}

fn ms(seconds: u64) -> u64 {
    seconds.saturating_mul(1_000)
}

/// The bytes of a constant in hex.
const fn bytes<const N: usize>(hex: &str) -> [u8; N] {
    match const_hex::const_decode_to_array(hex.as_bytes()) {
        Ok(bytes) => bytes,
        Err(_) => panic!("a constant is hex of its length"),
    }
}
