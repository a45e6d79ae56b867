//! Draws, for those who check them.

use draw::{Digest, Leaf, Seed, Threshold};
use inventory::domain::{BeaconSignature, DrawRule, Frozen};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::reading::{DrawCommitted, QueueReading};

/// What a draw committed to, where it ended, and its seed.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct QueueDraw {
    /// The event.
    pub event: String,
    /// Identifies the waiting room.
    pub queue: u64,
    /// How the order is computed.
    #[schema(value_type = String, example = "hkdf-hmac-sha256-v1")]
    pub rule: DrawRule,
    /// What was committed to.
    pub committed: DrawCommitted,
    /// The end of joining.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frozen: Option<QueueFrozen>,
    /// The seed and the beacon.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revealed: Option<QueueRevealed>,
    /// Whether a public beacon takes part, so that nobody could choose the order.
    pub witnessed: bool,
    /// The last turn that was called.
    pub serving: u64,
    /// The first 16 bytes of the value of the last called place, hexadecimal.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub upto: Option<Threshold>,
}

/// The end of joining a draw.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct QueueFrozen {
    /// The `seq` of its record.
    pub seq: u64,
    /// How many places take part.
    pub n: u64,
    /// The root of their Merkle tree, hexadecimal (RFC 6962, section 2.1).
    #[schema(value_type = String)]
    pub root: Digest,
}

/// The seed and the beacon of a draw.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct QueueRevealed {
    /// The `seq` of its record.
    pub seq: u64,
    /// The seed, hexadecimal.
    #[schema(value_type = String)]
    pub seed: Seed,
    /// The beacon; absent when its round could not be had.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub beacon: Option<BeaconSignature>,
}

impl QueueDraw {
    /// The draw of `event`, if its waiting room has one.
    #[must_use]
    pub fn of(event: &str, queue: &QueueReading) -> Option<Self> {
        let draw = queue.draw.as_ref()?;
        let revealed = draw.revealed.as_ref();
        Some(Self {
            event: event.to_owned(),
            queue: queue.id,
            rule: draw.committed.rule,
            committed: draw.committed.clone(),
            frozen: draw.frozen.map(|Frozen { root, seq }| QueueFrozen { seq, n: draw.n, root }),
            revealed: revealed.map(|revealed| QueueRevealed {
                seq: revealed.seq,
                seed: revealed.seed,
                beacon: revealed.beacon.clone(),
            }),
            witnessed: revealed.is_some_and(|revealed| revealed.beacon.is_some()),
            serving: queue.serving,
            upto: queue.upto,
        })
    }
}

/// A page of the places of a draw, in the order of joining.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct QueueLeaves {
    /// The places: 32 bytes each, base64url.
    #[schema(value_type = Vec<String>)]
    pub leaves: Vec<Leaf>,
    /// The value of `after` for the next page; absent on the last page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<u64>,
}

/// Proof that a place takes part in a draw.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct QueueProof {
    /// Its number in the order of joining, from 0.
    pub index: u64,
    /// The place.
    #[schema(value_type = String)]
    pub leaf: Leaf,
    /// How many places take part.
    pub n: u64,
    /// The root of their Merkle tree.
    #[schema(value_type = String)]
    pub root: Digest,
    /// The audit path from the place to the root (RFC 6962, section 2.1.1).
    #[schema(value_type = Vec<String>)]
    pub path: Vec<Digest>,
    /// Its turn, once the draw is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rank: Option<u64>,
}
