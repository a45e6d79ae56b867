//! The calls of a queue.

use super::draw::Draw;
use crate::{
    body::Called,
    finding::{FindingKind, Findings},
    places::Places,
    report::Stage,
    text::Hex,
};

/// How far a queue has been called.
#[derive(Debug, Default)]
pub(super) struct Calls {
    pub serving: u64,
    pub paused: bool,
}

impl Calls {
    pub fn push(
        &mut self,
        called: &Called,
        places: &Places,
        draw: Option<&Draw>,
        findings: &mut Findings,
    ) {
        if self.paused {
            findings.add(FindingKind::CalledPaused);
        }
        let Called { serving, upto } = *called;
        match draw {
            Some(draw) if draw.stage() != Stage::Revealed => {
                findings.add(FindingKind::CalledUnrevealed);
            }
            Some(draw) => {
                if let Some(order) = draw.order() {
                    check_threshold(called, order.threshold(serving, places.leaves()), findings);
                }
            }
            None if upto.is_some() => check_threshold(called, None, findings),
            None => {}
        }
        if serving <= self.serving {
            let before = self.serving;
            findings.add(FindingKind::ServingBack { before, serving });
        } else if serving > places.len() {
            let places = places.len();
            findings.add(FindingKind::ServingBeyond { serving, places });
        } else {
            self.serving = serving;
        }
    }
}

fn check_threshold(called: &Called, computed: Option<[u8; 16]>, findings: &mut Findings) {
    let (upto, computed) = (called.upto, computed.map(Hex));
    if upto != computed {
        findings.add(FindingKind::Threshold { serving: called.serving, upto, computed });
    }
}
