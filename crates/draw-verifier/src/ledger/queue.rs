//! One queue, record by record.

use super::{
    calls::Calls,
    draw::{Draw, Turn},
    passes::{Pass, Passes},
};
use crate::{
    beacon::Beacons,
    body::{Called, Claimed, Frozen, Joined, QueueSettings},
    finding::{FindingKind, Findings},
    places::Places,
    report::{QueueReport, Stage},
    reveal::{Commitment, Reveal},
    text::Leaf,
};

/// The expiry of a pass is signed in whole seconds.
const SECOND_MS: u64 = 1_000;

pub(super) struct Queue {
    id: u64,
    settings: QueueSettings,
    places: Places,
    draw: Option<Draw>,
    calls: Calls,
    passes: Passes,
    holds: u64,
}

impl Queue {
    /// A queue that the record `id` sets up.
    pub fn new(id: u64, settings: &QueueSettings, sale_opens_at_ms: u64) -> Self {
        Self {
            id,
            settings: settings.clone(),
            places: Places::new(),
            draw: settings.draw.then(|| Draw::new(id, sale_opens_at_ms)),
            calls: Calls::default(),
            passes: Passes::default(),
            holds: 0,
        }
    }

    /// Whether nobody has joined.
    pub fn is_empty(&self) -> bool {
        self.places.len() == 0
    }

    /// The record `seq` changes the settings.
    pub fn set(
        &mut self,
        seq: u64,
        settings: &QueueSettings,
        sale_opens_at_ms: u64,
        findings: &mut Findings,
    ) {
        let draw = self.settings.draw;
        if draw != settings.draw {
            findings.add(FindingKind::DrawSwitched);
        }
        self.settings = QueueSettings { draw, ..settings.clone() };
        if let Some(draw) = &mut self.draw {
            draw.set_opening(seq, sale_opens_at_ms, self.places.len());
        }
    }

    pub fn join(&mut self, at_ms: u64, joined: &Joined, findings: &mut Findings) {
        let opens_at_ms = self.settings.opens_at_ms;
        if at_ms < opens_at_ms {
            findings.add(FindingKind::JoinedEarly { opens_at_ms });
        }
        let (expected, from) = (self.places.len(), joined.from);
        if from != expected {
            findings.add(FindingKind::Numbering { expected, from });
        }
        for leaf in &joined.leaves {
            if let Some(index) = self.places.push(*leaf) {
                findings.add(FindingKind::DuplicateLeaf { leaf: *leaf, index: index.into() });
            }
        }
        if let Some(draw) = &mut self.draw {
            draw.join(at_ms, self.places.len(), findings);
        }
    }

    pub fn commit(&mut self, commitment: Commitment, findings: &mut Findings) {
        match &mut self.draw {
            Some(draw) => draw.commit(commitment, findings),
            None => findings.add(FindingKind::NoDraw),
        }
    }

    pub fn freeze(&mut self, at_ms: u64, frozen: &Frozen, findings: &mut Findings) {
        match &mut self.draw {
            Some(draw) => draw.freeze(at_ms, frozen, &self.places, findings),
            None => findings.add(FindingKind::NoDraw),
        }
    }

    pub fn reveal(&mut self, reveal: &Reveal, beacons: Beacons<'_>, findings: &mut Findings) {
        match &mut self.draw {
            Some(draw) => draw.reveal(reveal, &self.places, beacons, findings),
            None => findings.add(FindingKind::NoDraw),
        }
    }

    pub fn call(&mut self, called: &Called, findings: &mut Findings) {
        self.calls.push(called, &self.places, self.draw.as_ref(), findings);
    }

    pub fn pause(&mut self, paused: bool) {
        self.calls.paused = paused;
    }

    pub fn claim(&mut self, at_ms: u64, claimed: &Claimed, findings: &mut Findings) {
        self.passes.claimed += 1;
        let Claimed { expires_at_ms, leaf, .. } = *claimed;
        let Some(index) = self.places.index(&leaf) else {
            return findings.add(FindingKind::ClaimedUnknown(leaf));
        };
        let serving = self.calls.serving;
        match self.turn(index) {
            Turn::Known(turn) if turn > serving => {
                findings.add(FindingKind::ClaimedUncalled { turn, serving });
            }
            Turn::Undrawn => findings.add(FindingKind::ClaimedUndrawn(leaf)),
            Turn::Known(_) | Turn::Unknown => {}
        }
        let allowed_ms = at_ms.saturating_add(self.settings.pass_ttl_ms);
        if expires_at_ms > allowed_ms.div_ceil(SECOND_MS).saturating_mul(SECOND_MS) {
            findings.add(FindingKind::PassTooLong { expires_at_ms, allowed_ms });
        }
        if self.passes.get(index) == Pass::Unclaimed {
            self.passes.set(index, Pass::Claimed { expires_at_ms });
        } else {
            findings.add(FindingKind::ClaimedTwice(leaf));
        }
    }

    /// A hold or a direct sale.
    pub fn take(&mut self, at_ms: u64, place: Option<Leaf>, findings: &mut Findings) {
        self.holds += 1;
        let Some(leaf) = place else {
            return findings.add(FindingKind::HeldWithoutPlace);
        };
        let Some(index) = self.places.index(&leaf) else {
            return findings.add(FindingKind::HeldUnknown(leaf));
        };
        let serving = self.calls.serving;
        match self.turn(index) {
            Turn::Known(turn) if turn > serving => {
                findings.add(FindingKind::HeldBeyondServing { turn, serving });
            }
            Turn::Undrawn => findings.add(FindingKind::HeldUndrawn(leaf)),
            Turn::Known(_) | Turn::Unknown => {}
        }
        match self.passes.get(index) {
            Pass::Unclaimed => findings.add(FindingKind::HeldWithoutPass(leaf)),
            Pass::Spent => findings.add(FindingKind::PassSpent(leaf)),
            Pass::Claimed { expires_at_ms } => {
                if at_ms >= expires_at_ms {
                    findings.add(FindingKind::PassExpired { expires_at_ms });
                }
                self.passes.set(index, Pass::Spent);
            }
        }
    }

    /// The turn of the place at `index`.
    fn turn(&self, index: u32) -> Turn {
        self.draw.as_ref().map_or(Turn::Known(u64::from(index) + 1), |draw| draw.turn(index))
    }

    pub fn report(&self) -> QueueReport {
        let draw = self.draw.as_ref();
        let commitment = draw.and_then(Draw::commitment);
        QueueReport {
            id: self.id,
            stage: draw.map_or(Stage::NoDraw, Draw::stage),
            places: self.places.len(),
            participants: draw.map_or(0, Draw::participants),
            commitment: commitment.map(|commitment| commitment.commitment),
            round: commitment.and_then(|it| it.beacon.as_ref()).map(|beacon| beacon.round),
            root: draw.and_then(Draw::root),
            seed: draw.and_then(Draw::seed),
            witnessed: draw.is_some_and(Draw::is_witnessed),
            serving: self.calls.serving,
            passes: self.passes.claimed,
            holds: self.holds,
        }
    }
}
