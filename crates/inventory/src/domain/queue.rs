//! The waiting room of an event: its settings, and its state as the sum of the ledger.
//!
//! A place is a leaf; the places are numbered in the order in which they joined. With a draw, those
//! that joined before the sale opens get their turns by lot, and all others theirs by their number.

use draw::{Digest, DrawKey, Frontier, Leaf, Seed, Threshold};
use serde::{Deserialize, Serialize};

use super::{HoldId, Pass, Passes, TimeMs};

/// Settings of a waiting room. The order of the members is that of the ledger's canonical JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueSettings {
    /// The most who may choose at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub active_max: Option<u64>,
    /// How long a called place may claim its pass before its turn lapses, milliseconds.
    pub claim_ttl_ms: u64,
    /// Whether those who join before the sale opens get their turns by lot.
    pub draw: bool,
    /// Before then nobody can join.
    pub opens_at_ms: TimeMs,
    /// How long a pass is valid, milliseconds.
    pub pass_ttl_ms: u64,
}

impl QueueSettings {
    /// The most who may choose at once, unless the settings say otherwise. At one request in ten
    /// seconds each, they are 1,000 requests a second.
    pub const ACTIVE_MAX_DEFAULT: u64 = 10_000;

    /// The most who may choose at once.
    #[must_use]
    pub fn active_max(&self) -> u64 {
        self.active_max.unwrap_or(Self::ACTIVE_MAX_DEFAULT)
    }
}

/// A waiting room as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Queue {
    /// The `seq` of the record that set it up.
    pub id: u64,
    /// How many places there are.
    pub joined: u64,
    /// The draw, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub draw: Option<Draw>,
    /// The calls so far.
    pub called: Covered,
    /// The calls whose time to claim is over, as of the newest call.
    pub lapsed: Covered,
    /// The calls since, oldest first. Calls close together share an entry.
    pub calls: Vec<Call>,
    /// The passes.
    pub passes: Passes,
    /// Whether nobody is called for now.
    pub paused: bool,
}

/// A draw.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draw {
    /// What was committed to.
    pub commitment: DrawCommitment,
    /// The record of the commitment.
    pub committed_seq: u64,
    /// The tree of the places that take part.
    pub tree: Frontier,
    /// The end of joining.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frozen: Option<Frozen>,
    /// The order of the places.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revealed: Option<Revealed>,
}

/// The end of joining a draw.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frozen {
    /// The root of the Merkle tree of the places.
    pub root: Digest,
    /// Its record.
    pub seq: u64,
}

/// The order of a draw is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revealed {
    /// The beacon; none when its round could not be had.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beacon: Option<BeaconSignature>,
    /// The key that orders the places.
    pub key: DrawKey,
    /// The seed.
    pub seed: Seed,
    /// Its record.
    pub seq: u64,
}

/// The output of a round of a beacon. The order of the members is that of the ledger's canonical
/// JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BeaconSignature {
    /// The round.
    pub round: u64,
    /// Its signature, hexadecimal. The SHA-256 of its bytes is the randomness.
    pub signature: String,
}

/// What a draw commits to before anybody joins. The order of the members is that of the ledger's
/// canonical JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DrawCommitment {
    /// The round of a public beacon that takes part in the draw.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub beacon: Option<BeaconRound>,
    /// The SHA-256 of the seed.
    pub commitment: Digest,
    /// Identifies the draw.
    pub draw: HoldId,
    /// The signing key that the seed follows from.
    pub key_id: String,
    /// How the order follows from seed, beacon and leaves.
    pub rule: DrawRule,
}

/// A round of a public beacon.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BeaconRound {
    /// The hash of the beacon's chain, hexadecimal.
    pub chain: String,
    /// The round.
    pub round: u64,
}

/// How the order of a draw is computed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum DrawRule {
    /// By HMAC-SHA-256 of the leaf, with a key by HKDF-SHA-256 of seed and beacon.
    #[default]
    #[serde(rename = "hkdf-hmac-sha256-v1")]
    HkdfHmacSha256V1,
}

/// The turns up to one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Covered {
    /// The last turn.
    pub serving: u64,
    /// The last of the draw's places with these turns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upto: Option<Threshold>,
    /// How many of these places claimed their pass in time.
    pub claimed: u64,
}

/// Calls within a short time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// The first of them.
    pub since_ms: TimeMs,
    /// Until when the called places can claim their passes.
    pub until_ms: TimeMs,
    /// The turns up to the last of them; `claimed` counts those of this entry alone.
    pub upto: Covered,
}

/// Whose turn it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// Not drawn yet.
    Undrawn,
    /// By lot.
    Drawn(Threshold),
    /// By the order of joining: the turn, from 1.
    Line(u64),
}

/// How far a place has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlaceCall {
    /// It is not its turn yet.
    Waiting,
    /// It can claim its pass until then.
    Called(TimeMs),
    /// It did not claim its pass in time.
    Lapsed,
}

/// Calls within this part of the time to claim share an entry.
const CALL_PARTS: u64 = 12;
impl Queue {
    /// A waiting room without places.
    #[must_use]
    pub fn new(id: u64) -> Self {
        Self {
            id,
            joined: 0,
            draw: None,
            called: Covered::default(),
            lapsed: Covered::default(),
            calls: Vec::new(),
            passes: Passes::default(),
            paused: false,
        }
    }

    /// How many places take part in the draw.
    #[must_use]
    pub fn drawn(&self) -> u64 {
        self.draw.as_ref().map_or(0, |draw| draw.tree.len())
    }

    /// Whether places still join the draw.
    #[must_use]
    pub fn is_drawing_open(&self) -> bool {
        self.draw.as_ref().is_some_and(|draw| draw.frozen.is_none())
    }

    /// The turn of the place with this number.
    #[must_use]
    pub fn turn(&self, leaf: &Leaf, index: u64) -> Turn {
        match &self.draw {
            Some(draw) if index < draw.tree.len() => match &draw.revealed {
                Some(revealed) => Turn::Drawn(revealed.key.threshold_of(leaf)),
                None => Turn::Undrawn,
            },
            _ => Turn::Line(index + 1),
        }
    }

    /// How far a place with this turn has come at `at_ms`.
    #[must_use]
    pub fn place_call(&self, turn: Turn, at_ms: TimeMs) -> PlaceCall {
        if !self.called.covers(turn) {
            return PlaceCall::Waiting;
        }
        if self.lapsed.covers(turn) {
            return PlaceCall::Lapsed;
        }
        let call = self.calls.iter().find(|call| call.upto.covers(turn));
        match call.filter(|call| at_ms < call.until_ms) {
            Some(call) => PlaceCall::Called(call.until_ms),
            None => PlaceCall::Lapsed,
        }
    }

    /// The calls whose time to claim is over at `at_ms`.
    #[must_use]
    pub fn lapsed_at(&self, at_ms: TimeMs) -> Covered {
        let over = self.calls.iter().take_while(|call| call.until_ms <= at_ms);
        over.fold(self.lapsed, |lapsed, call| Covered {
            claimed: lapsed.claimed + call.upto.claimed,
            ..call.upto
        })
    }

    /// How many places are called at `at_ms`, and have neither claimed their passes nor lapsed.
    #[must_use]
    pub fn outstanding(&self, at_ms: TimeMs) -> u64 {
        let claimed: u64 = self
            .calls
            .iter()
            .filter(|call| call.until_ms > at_ms)
            .map(|call| call.upto.claimed)
            .sum();
        (self.called.serving - self.lapsed_at(at_ms).serving).saturating_sub(claimed)
    }

    /// Calls the turns up to `serving`, and up to `upto` of the draw.
    pub(crate) fn call(
        &mut self,
        serving: u64,
        upto: Option<Threshold>,
        at_ms: TimeMs,
        claim_ttl_ms: u64,
    ) {
        self.lapsed = self.lapsed_at(at_ms);
        self.calls.retain(|call| call.until_ms > at_ms);
        self.called = Covered { serving, upto, claimed: self.called.claimed };
        // The time to claim may be another than that of the call before: nobody gets less than it,
        // and no call ends before an earlier one.
        let part_ms = claim_ttl_ms / CALL_PARTS;
        let least_ms = at_ms.saturating_add(claim_ttl_ms);
        let until_ms = least_ms.saturating_add(part_ms);
        let shares = |last: &&mut Call| {
            let is_close = at_ms < last.since_ms.saturating_add(part_ms);
            until_ms <= last.until_ms || is_close && least_ms <= last.until_ms
        };
        match self.calls.last_mut().filter(shares) {
            Some(last) => last.upto = Covered { claimed: last.upto.claimed, ..self.called },
            None => self.calls.push(Call {
                since_ms: at_ms,
                until_ms,
                upto: Covered { claimed: 0, ..self.called },
            }),
        }
    }

    /// Counts a pass that a place with this turn claimed.
    pub(crate) fn claim(&mut self, turn: Turn, pass: &Pass) {
        let at_ms = pass.claimed_at_ms;
        if !self.lapsed.covers(turn)
            && let Some(call) = self.calls.iter_mut().find(|call| call.upto.covers(turn))
            && at_ms < call.until_ms
        {
            call.upto.claimed += 1;
            self.called.claimed += 1;
        }
        self.passes.forget_expired(at_ms);
        self.passes.claimed += 1;
        *self.passes.open.entry(pass.counts_until_ms()).or_default() += 1;
    }

    /// Counts a pass that was used for `qty` tickets.
    pub(crate) fn spend(&mut self, pass: &Pass, qty: u64, at_ms: TimeMs) {
        self.passes.forget_expired(at_ms);
        self.passes.spent += 1;
        self.passes.taken += qty;
        let until_ms = pass.counts_until_ms();
        if let Some(open) = self.passes.open.get_mut(&until_ms) {
            *open -= 1;
            if *open == 0 {
                self.passes.open.remove(&until_ms);
            }
        }
    }
}

impl Covered {
    /// Whether it has this turn.
    #[must_use]
    pub fn covers(&self, turn: Turn) -> bool {
        match turn {
            Turn::Undrawn => false,
            Turn::Drawn(threshold) => self.upto.is_some_and(|upto| threshold <= upto),
            Turn::Line(turn) => turn <= self.serving,
        }
    }
}
