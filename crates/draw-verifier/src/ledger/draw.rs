//! The draw of a queue: commitment, freeze and reveal.

use crate::{
    beacon::Beacons,
    body::Frozen,
    finding::{FindingKind, Findings},
    merkle,
    order::Order,
    places::Places,
    report::Stage,
    reveal::{Commitment, Reveal},
    text::Hex,
};

/// The turn of a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    Known(u64),
    /// The draw is not revealed yet.
    Undrawn,
    /// What was revealed is wrong, which is a finding of its own.
    Unknown,
}

/// The draw.
pub(super) struct Draw {
    sale_opens_at_ms: u64,
    /// The newest commitment.
    commitment: Option<Commitment>,
    /// The record that needs a commitment after it.
    due: Option<u64>,
    /// Places that had joined when the opening was last moved. They take part, also when it moved
    /// to the past.
    joined_before: u64,
    /// How many places had been joined at each time.
    joined: Vec<(u64, u64)>,
    frozen: Option<Participants>,
    revealed: Option<Revealed>,
}

struct Participants {
    at_ms: u64,
    n: u64,
    root: Hex<32>,
}

struct Revealed {
    seed: Hex<32>,
    witnessed: bool,
    /// None when what was revealed is not what was committed.
    order: Option<Order>,
}

impl Draw {
    /// A draw that the record `seq` sets up.
    pub fn new(seq: u64, sale_opens_at_ms: u64) -> Self {
        Self {
            sale_opens_at_ms,
            commitment: None,
            due: Some(seq),
            joined_before: 0,
            joined: Vec::new(),
            frozen: None,
            revealed: None,
        }
    }

    /// The record `seq` sets the opening of the sale, which is that of the draw until the freeze.
    /// There are `places` by then.
    pub fn set_opening(&mut self, seq: u64, sale_opens_at_ms: u64, places: u64) {
        if self.frozen.is_none() && self.sale_opens_at_ms != sale_opens_at_ms {
            self.sale_opens_at_ms = sale_opens_at_ms;
            self.joined_before = places;
            self.due = Some(seq);
        }
    }

    pub fn stage(&self) -> Stage {
        match (&self.frozen, &self.revealed) {
            (_, Some(_)) => Stage::Revealed,
            (Some(_), None) => Stage::Frozen,
            (None, None) => Stage::Open,
        }
    }

    pub fn participants(&self) -> u64 {
        self.frozen.as_ref().map_or(0, |frozen| frozen.n)
    }

    pub fn root(&self) -> Option<Hex<32>> {
        self.frozen.as_ref().map(|frozen| frozen.root)
    }

    /// What counts of the commitments.
    pub fn commitment(&self) -> Option<&Commitment> {
        self.commitment.as_ref()
    }

    pub fn seed(&self) -> Option<Hex<32>> {
        self.revealed.as_ref().map(|revealed| revealed.seed)
    }

    pub fn is_witnessed(&self) -> bool {
        self.revealed.as_ref().is_some_and(|revealed| revealed.witnessed)
    }

    /// The order, when it is revealed and right.
    pub fn order(&self) -> Option<&Order> {
        self.revealed.as_ref().and_then(|revealed| revealed.order.as_ref())
    }

    pub fn turn(&self, index: u32) -> Turn {
        match (&self.frozen, &self.revealed) {
            (Some(frozen), _) if u64::from(index) >= frozen.n => Turn::Known(u64::from(index) + 1),
            (_, None) => Turn::Undrawn,
            (_, Some(revealed)) => revealed
                .order
                .as_ref()
                .map_or(Turn::Unknown, |order| Turn::Known(order.turn(index))),
        }
    }

    fn check_due(&mut self, findings: &mut Findings) {
        if let Some(since) = self.due.take() {
            findings.add(FindingKind::Uncommitted { since });
        }
    }

    pub fn commit(&mut self, commitment: Commitment, findings: &mut Findings) {
        if self.frozen.is_some() {
            return findings.add(FindingKind::CommittedLate);
        }
        if self.due.take().is_none() {
            return findings.add(FindingKind::CommittedTwice);
        }
        self.commitment = Some(commitment);
    }

    /// A record of `at_ms` joins, after which there are `places`.
    pub fn join(&mut self, at_ms: u64, places: u64, findings: &mut Findings) {
        self.check_due(findings);
        if self.frozen.is_none() {
            match self.joined.last_mut() {
                Some((joined_ms, joined)) if *joined_ms == at_ms => *joined = places,
                _ => self.joined.push((at_ms, places)),
            }
        } else if at_ms < self.sale_opens_at_ms {
            let opens_at_ms = self.sale_opens_at_ms;
            findings.add(FindingKind::ParticipantAfterFreeze { opens_at_ms });
        }
    }

    pub fn freeze(
        &mut self,
        at_ms: u64,
        frozen: &Frozen,
        places: &Places,
        findings: &mut Findings,
    ) {
        if self.frozen.is_some() {
            return findings.add(FindingKind::FrozenTwice);
        }
        self.check_due(findings);
        let opens_at_ms = self.sale_opens_at_ms;
        if at_ms < opens_at_ms {
            findings.add(FindingKind::FrozenEarly { opens_at_ms });
        }
        // The ledger's clock never goes back.
        let early = self.joined.partition_point(|(joined_ms, _)| *joined_ms < opens_at_ms);
        let counted = early.checked_sub(1).map_or(0, |last| self.joined[last].1);
        let counted = counted.max(self.joined_before);
        self.joined = Vec::new();
        if frozen.n != counted {
            findings.add(FindingKind::Participants { n: frozen.n, counted });
        }
        let computed = Hex(merkle::root(&places.leaves()[..counted as usize]));
        if frozen.root != computed {
            findings.add(FindingKind::Root { root: frozen.root, computed });
        }
        self.frozen = Some(Participants { at_ms, n: counted, root: computed });
    }

    pub fn reveal(
        &mut self,
        reveal: &Reveal,
        places: &Places,
        beacons: Beacons<'_>,
        findings: &mut Findings,
    ) {
        let Some(Participants { at_ms, n, .. }) = self.frozen else {
            return findings.add(FindingKind::RevealedUnfrozen);
        };
        if self.revealed.is_some() {
            return findings.add(FindingKind::RevealedTwice);
        }
        let commitment = self.commitment.as_ref();
        if let Some(commitment) = commitment.filter(|it| it.is_witnessed_by(reveal)) {
            commitment.check_round(at_ms, beacons, findings);
        }
        let key = commitment.and_then(|commitment| commitment.open(reveal, beacons, findings));
        self.revealed = Some(Revealed {
            seed: reveal.seed,
            witnessed: commitment.is_some_and(|commitment| commitment.is_witnessed_by(reveal)),
            order: key.map(|key| Order::new(key, &places.leaves()[..n as usize])),
        });
    }
}
