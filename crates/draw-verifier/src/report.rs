//! The result of a verification without findings.

use crate::text::Hex;

/// How far a draw has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The queue has no draw.
    NoDraw,
    /// Participants join.
    Open,
    /// The participants are fixed.
    Frozen,
    /// The order is known.
    Revealed,
}

/// A queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueReport {
    /// Its id: the `seq` of the record that set it up.
    pub id: u64,
    /// How far its draw has come.
    pub stage: Stage,
    /// Places.
    pub places: u64,
    /// Places that take part in the draw; 0 before it is frozen.
    pub participants: u64,
    /// The SHA-256 of the seed, as committed to.
    pub commitment: Option<Hex<32>>,
    /// The round of the beacon, as committed to.
    pub round: Option<u64>,
    /// The seed, once it is revealed.
    pub seed: Option<Hex<32>>,
    /// The root of the tree over the participants, once the draw is frozen.
    pub root: Option<Hex<32>>,
    /// Whether the draw is mixed with the beacon that it was committed to. The holder of the
    /// signing key could have known a draw beforehand that is revealed and not witnessed.
    pub witnessed: bool,
    /// The highest turn called.
    pub serving: u64,
    /// Passes claimed.
    pub passes: u64,
    /// Holds and direct sales.
    pub holds: u64,
}

impl QueueReport {
    /// Whether the order is known and was drawn without a beacon.
    #[must_use]
    pub fn is_unwitnessed(&self) -> bool {
        self.stage == Stage::Revealed && !self.witnessed
    }
}

/// The queues of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The event.
    pub event: String,
    /// Its queues, the oldest first.
    pub queues: Vec<QueueReport>,
}
