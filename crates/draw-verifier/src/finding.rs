//! Broken rules, and their positions.

use thiserror::Error;

use crate::text::{Hex, Leaf};

/// The most findings that are collected.
pub const FINDINGS_MAX: usize = 100;

/// A broken rule.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("seq {seq}: {kind}")]
pub struct Finding {
    /// The `seq` of the record; 0 where no record is at fault.
    pub seq: u64,
    /// The rule.
    pub kind: FindingKind,
}

/// The rules.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FindingKind {
    /// The ledger has no record of the event.
    #[error("the ledger has no record of the event")]
    NoRecords,
    /// The bytes are not a record.
    #[error("not a record: {0}")]
    NotARecord(String),
    /// A record is missing or repeated.
    #[error("a record is missing or repeated: expected seq {expected}")]
    Gap {
        /// The expected value.
        expected: u64,
    },
    /// The record does not name the hash of the record before it.
    #[error("the hash chain is broken: it does not name the hash of the record before it")]
    Chain,
    /// The record is older than the one before it.
    #[error("time went back from {before_ms} to {at_ms}")]
    TimeWentBack {
        /// The time of the record before it.
        before_ms: u64,
        /// The time of the record.
        at_ms: u64,
    },
    /// A record is of a queue, and the event has none.
    #[error("the event has no queue at this record")]
    NoQueue,
    /// A record is of a draw, and the queue has none.
    #[error("the queue has no draw at this record")]
    NoDraw,
    /// The setting `draw` was changed after places were joined.
    #[error("the setting 'draw' was changed after places were joined")]
    DrawSwitched,

    /// A place was joined before the queue opened.
    #[error("joined before the queue opened at {opens_at_ms}")]
    JoinedEarly {
        /// When the queue opened.
        opens_at_ms: u64,
    },
    /// Places are not numbered without gaps.
    #[error("places are numbered from {from}, expected {expected}")]
    Numbering {
        /// The expected value.
        expected: u64,
        /// The first index by the record.
        from: u64,
    },
    /// A place is in the queue twice.
    #[error("place {leaf} is in the queue already, at index {index}")]
    DuplicateLeaf {
        /// The place.
        leaf: Leaf,
        /// Its index.
        index: u64,
    },
    /// A participant joined after the draw was frozen.
    #[error("joined before the sale opened at {opens_at_ms}, and recorded after the freeze")]
    ParticipantAfterFreeze {
        /// When the sale opened.
        opens_at_ms: u64,
    },

    /// No seed was committed to when places were joined or the draw was frozen.
    #[error("no commitment was recorded since seq {since}, which needs one")]
    Uncommitted {
        /// The record that set up the draw or moved the opening of the sale.
        since: u64,
    },
    /// A seed was committed to after the draw was frozen.
    #[error("a commitment was recorded after the freeze")]
    CommittedLate,
    /// A seed was committed to again, although nothing asked for it.
    #[error("a second commitment without new settings")]
    CommittedTwice,
    /// The rule of the draw is not known.
    #[error("unknown rule of the draw: {0:?}")]
    Rule(String),
    /// The draw was frozen twice.
    #[error("the draw is frozen twice")]
    FrozenTwice,
    /// The draw was frozen before the sale opened.
    #[error("frozen before the sale opened at {opens_at_ms}")]
    FrozenEarly {
        /// When the sale opens.
        opens_at_ms: u64,
    },
    /// The number of participants is wrong.
    #[error("the draw names {n} participants, and {counted} places were joined before the sale")]
    Participants {
        /// The number by the record.
        n: u64,
        /// The number of places joined before the sale opened.
        counted: u64,
    },
    /// The root is not that of the participants.
    #[error("root {root} is not that of the participants, {computed}")]
    Root {
        /// The root by the record.
        root: Hex<32>,
        /// The root of the tree over the participants.
        computed: Hex<32>,
    },
    /// The draw was revealed before it was frozen.
    #[error("revealed before the freeze")]
    RevealedUnfrozen,
    /// The draw was revealed twice.
    #[error("the draw is revealed twice")]
    RevealedTwice,
    /// The seed is not the one committed to.
    #[error("the seed is not the committed one: its hash differs from the commitment")]
    Commitment,
    /// A beacon was used, and none was committed to.
    #[error("a beacon is used, and none was committed to")]
    BeaconUncommitted,
    /// The beacon is of another round.
    #[error("the beacon is of round {revealed}, and round {committed} was committed to")]
    BeaconRound {
        /// The committed round.
        committed: u64,
        /// The revealed round.
        revealed: u64,
    },
    /// The signature of the beacon is wrong.
    #[error("the signature of the beacon is not that of its round: {0}")]
    BeaconSignature(String),
    /// The beacon existed when the draw was frozen.
    #[error("the beacon was published at {round_at_ms}, before the freeze at {frozen_at_ms}")]
    BeaconEarly {
        /// When the round was published.
        round_at_ms: u64,
        /// When the draw was frozen.
        frozen_at_ms: u64,
    },

    /// Places were called while calling was paused.
    #[error("places were called while the queue was paused")]
    CalledPaused,
    /// Places were called before the reveal.
    #[error("places were called before the draw was revealed")]
    CalledUnrevealed,
    /// The highest turn called does not increase.
    #[error("the highest turn called does not increase: {serving} after {before}")]
    ServingBack {
        /// The highest turn before.
        before: u64,
        /// The highest turn by the record.
        serving: u64,
    },
    /// More places were called than there are.
    #[error("turns up to {serving} were called, and there are {places} places")]
    ServingBeyond {
        /// The highest turn by the record.
        serving: u64,
        /// The number of places.
        places: u64,
    },
    /// The threshold is not that of the last called participant.
    #[error("the threshold does not call exactly the participants up to turn {serving}")]
    Threshold {
        /// The highest turn by the record.
        serving: u64,
        /// The threshold by the record.
        upto: Option<Hex<16>>,
        /// The threshold of the last participant called.
        computed: Option<Hex<16>>,
    },

    /// A pass was claimed for no place of the queue.
    #[error("a pass was claimed for place {0}, which is not in the queue")]
    ClaimedUnknown(Leaf),
    /// A pass was claimed before the draw.
    #[error("a pass was claimed for place {0} before the draw was revealed")]
    ClaimedUndrawn(Leaf),
    /// A pass was claimed for a place that had not been called.
    #[error("a pass was claimed for turn {turn}, and turns up to {serving} were called")]
    ClaimedUncalled {
        /// The turn of the place.
        turn: u64,
        /// The highest turn called.
        serving: u64,
    },
    /// A second pass was claimed for a place.
    #[error("a second pass was claimed for place {0}")]
    ClaimedTwice(Leaf),
    /// A pass is valid for longer than the event's settings say.
    #[error("the pass is valid until {expires_at_ms}, and the settings allow {allowed_ms}")]
    PassTooLong {
        /// When the pass expires.
        expires_at_ms: u64,
        /// When it has to expire.
        allowed_ms: u64,
    },

    /// A hold or sale names no place.
    #[error("held or sold without a place")]
    HeldWithoutPlace,
    /// A hold or sale names a place, and the event has no queue.
    #[error("held or sold with a place, and the event has no queue")]
    HeldWithoutQueue,
    /// The place of a hold or sale is not in the queue.
    #[error("held or sold with place {0}, which is not in the queue")]
    HeldUnknown(Leaf),
    /// The place of a hold or sale claimed no pass.
    #[error("held or sold with place {0}, which claimed no pass")]
    HeldWithoutPass(Leaf),
    /// The pass had been used.
    #[error("held or sold with the pass of place {0}, which was spent")]
    PassSpent(Leaf),
    /// The pass had expired.
    #[error("held or sold with a pass that expired at {expires_at_ms}")]
    PassExpired {
        /// When the pass expired.
        expires_at_ms: u64,
    },
    /// Held or sold before the draw.
    #[error("held or sold with place {0} before the draw was revealed")]
    HeldUndrawn(Leaf),
    /// A hold beyond the highest turn called.
    #[error("held or sold beyond serving: turn {turn}, and turns up to {serving} were called")]
    HeldBeyondServing {
        /// The turn of the place.
        turn: u64,
        /// The highest turn called.
        serving: u64,
    },

    /// A public document is not readable.
    #[error("the {document} is not readable: {why}")]
    Document {
        /// Which document.
        document: &'static str,
        /// Why.
        why: String,
    },
    /// A page of leaves does not name the index that follows it.
    #[error("a page of leaves ends before index {counted}, and names {next} as the next")]
    PageOrder {
        /// The number of leaves read.
        counted: u64,
        /// The next index by the page.
        next: u64,
    },
    /// Not all leaves were read.
    #[error("the pages have {leaves} leaves, and the draw {n} participants; a page may be missing")]
    LeavesMissing {
        /// The number of leaves read.
        leaves: u64,
        /// The number of participants.
        n: u64,
    },
    /// The draw is said to be witnessed and is not, or the other way round.
    #[error("the draw is published as witnessed: {published}, and that is wrong")]
    Witnessed {
        /// The published value.
        published: bool,
    },
    /// The proof is for another tree than that of the draw.
    #[error("the proof is for a tree of {n} leaves with root {root}, which is not the draw's")]
    ProofTree {
        /// The size of the tree.
        n: u64,
        /// Its root.
        root: Hex<32>,
    },
    /// The path does not lead to the root.
    #[error("the proof's path does not lead from the leaf at index {index} to the root")]
    ProofPath {
        /// The index of the place.
        index: u64,
    },
    /// Another leaf is at the proof's index.
    #[error("the proof names leaf {leaf} at index {index}, and the pages of leaves another")]
    ProofLeaf {
        /// The place.
        leaf: Leaf,
        /// The index of the place.
        index: u64,
    },
    /// The rank of the proof is wrong.
    #[error("the proof names rank {rank}, and the place's turn is {turn}")]
    ProofRank {
        /// The rank by the proof.
        rank: u64,
        /// The turn of the place.
        turn: u64,
    },
}

/// Collects findings.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    seq: u64,
    list: Vec<Finding>,
}

impl Findings {
    /// Sets the position of the findings that follow.
    pub fn at(&mut self, seq: u64) {
        self.seq = seq;
    }

    pub fn add(&mut self, kind: FindingKind) {
        if !self.is_full() {
            self.list.push(Finding { seq: self.seq, kind });
        }
    }

    pub fn len(&self) -> usize {
        self.list.len()
    }

    pub fn is_full(&self) -> bool {
        self.list.len() >= FINDINGS_MAX
    }

    /// `value` when there is no finding.
    pub fn result<T>(self, value: T) -> Result<T, Vec<Finding>> {
        if self.list.is_empty() { Ok(value) } else { Err(self.list) }
    }
}
