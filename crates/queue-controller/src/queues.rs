//! What the calls and the controller share: the keys, and what new draws commit to.

use std::sync::Arc;

use beacon::Chain;
use draw::Seed;
use inventory::{
    HoldId, TimeMs,
    domain::{BeaconRound, DrawCommitment, DrawRule},
};
use signing::{LiveKeys, SigningKeys};
use thiserror::Error;

use crate::settings::QueueSettings;

/// A draw cannot commit to anything.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("there are no signing keys: SIGNING_KEYS_FILE is not set")]
pub struct CommitError;

/// The keys and settings of waiting rooms; clones share them.
#[derive(Clone)]
pub struct Queues(Arc<Inner>);

struct Inner {
    keys: LiveKeys,
    settings: QueueSettings,
}

impl Queues {
    /// Waiting rooms with these keys.
    #[must_use]
    pub fn new(keys: LiveKeys, settings: QueueSettings) -> Self {
        Self(Arc::new(Inner { keys, settings }))
    }

    pub(crate) fn settings(&self) -> &QueueSettings {
        &self.0.settings
    }

    /// What a draw commits to that ends when its sale opens at `opens_at_ms`. The seed follows from
    /// a signing key, so that it is in no store and no backup, and from the draw's id, which is
    /// made of `random`.
    ///
    /// # Errors
    /// [`CommitError`].
    pub fn commitment(
        &self,
        random: [u8; 10],
        opens_at_ms: TimeMs,
        now_ms: TimeMs,
    ) -> Result<DrawCommitment, CommitError> {
        let keys = self.0.keys.current().ok_or(CommitError)?;
        let (draw, key_id) = (HoldId::new(now_ms, random), keys.signer_id().to_owned());
        let seed = seed(&keys, &key_id, draw).ok_or(CommitError)?;
        let beacon = self.0.settings.beacon.as_ref().map(|_| {
            let delay_ms = u64::try_from(self.0.settings.beacon_delay.as_millis()).unwrap_or(0);
            let chain = Chain::QUICKNET;
            // A round that nobody knows yet, also when the opening has passed.
            let after_ms = opens_at_ms.max(now_ms).saturating_add(delay_ms.max(1));
            BeaconRound { chain: chain.hash_hex(), round: chain.round_at(after_ms) }
        });
        Ok(DrawCommitment {
            beacon,
            commitment: seed.commitment(),
            draw,
            key_id,
            rule: DrawRule::HkdfHmacSha256V1,
        })
    }

    /// The seed of the draw with this commitment. `None`: the key that it follows from is gone.
    pub(crate) fn seed_of(&self, commitment: &DrawCommitment) -> Option<Seed> {
        let keys = self.0.keys.current()?;
        seed(&keys, &commitment.key_id, commitment.draw)
            .filter(|seed| seed.commitment() == commitment.commitment)
    }
}

fn seed(keys: &SigningKeys, key_id: &str, draw: HoldId) -> Option<Seed> {
    keys.derive(key_id, &Seed::message(&draw.to_string())).map(Seed::from_bytes)
}
