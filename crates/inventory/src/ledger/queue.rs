//! The changes of a waiting room, as the ledger has them. The order of the members is that of the
//! canonical JSON.

use draw::{Digest, Leaf, Seed, Threshold};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;

use crate::domain::{BeaconSignature, DrawCommitment, HoldId, TimeMs};

/// A change of a waiting room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum QueueChange {
    /// Places joined.
    Joined(QueueJoined),
    /// A draw began.
    DrawCommitted(DrawCommitment),
    /// Nobody can join the draw any more.
    DrawFrozen(DrawFrozen),
    /// The order of the draw is known.
    DrawRevealed(DrawRevealed),
    /// Places were called.
    Called(QueueCalled),
    /// A place has its pass.
    PassClaimed(PassClaimed),
    /// Calls stop, or go on.
    Paused(QueuePaused),
}

/// Places that joined together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QueueJoined {
    /// The number of the first of them; places are numbered from 0.
    pub from: u64,
    /// The places.
    pub leaves: Vec<Leaf>,
}

/// The end of joining a draw.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DrawFrozen {
    /// How many places take part.
    pub n: u64,
    /// The root of the Merkle tree of their leaves (RFC 6962, section 2.1).
    pub root: Digest,
}

/// The seed and the beacon of a draw.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DrawRevealed {
    /// The beacon; none when its round could not be had.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub beacon: Option<BeaconSignature>,
    /// The seed.
    pub seed: Seed,
}

/// A call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QueueCalled {
    /// The last turn called.
    pub serving: u64,
    /// The last of the draw's places with these turns; none without a draw.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upto: Option<Threshold>,
}

/// A pass.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PassClaimed {
    /// When it expires.
    pub expires_at_ms: TimeMs,
    /// The place.
    pub leaf: Leaf,
    /// Identifies the pass.
    pub pass: HoldId,
}

/// A pause, or its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QueuePaused {
    /// Whether calls stop.
    pub paused: bool,
}

impl QueueChange {
    /// The kinds, as [`QueueChange::kind`] returns them.
    pub(super) const KINDS: [&str; 7] = [
        "queue_joined",
        "draw_committed",
        "draw_frozen",
        "draw_revealed",
        "queue_called",
        "pass_claimed",
        "queue_paused",
    ];

    /// Its name in the ledger.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Joined(_) => Self::KINDS[0],
            Self::DrawCommitted(_) => Self::KINDS[1],
            Self::DrawFrozen(_) => Self::KINDS[2],
            Self::DrawRevealed(_) => Self::KINDS[3],
            Self::Called(_) => Self::KINDS[4],
            Self::PassClaimed(_) => Self::KINDS[5],
            Self::Paused(_) => Self::KINDS[6],
        }
    }

    /// The places that it makes or changes.
    #[must_use]
    pub fn leaves(&self) -> &[Leaf] {
        match self {
            Self::Joined(joined) => &joined.leaves,
            Self::PassClaimed(claimed) => std::slice::from_ref(&claimed.leaf),
            _ => &[],
        }
    }

    /// The change of this kind with this member of the record; `None` for another kind of record.
    pub(super) fn decode(kind: &str, member: &RawValue) -> Option<serde_json::Result<Self>> {
        fn of<T: DeserializeOwned>(
            member: &RawValue,
            change: fn(T) -> QueueChange,
        ) -> Option<serde_json::Result<QueueChange>> {
            Some(serde_json::from_str(member.get()).map(change))
        }
        match kind {
            "queue_joined" => of(member, Self::Joined),
            "draw_committed" => of(member, Self::DrawCommitted),
            "draw_frozen" => of(member, Self::DrawFrozen),
            "draw_revealed" => of(member, Self::DrawRevealed),
            "queue_called" => of(member, Self::Called),
            "pass_claimed" => of(member, Self::PassClaimed),
            "queue_paused" => of(member, Self::Paused),
            _ => None,
        }
    }
}
