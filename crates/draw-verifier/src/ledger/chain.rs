//! The chain of an event's records.

use sha2::{Digest, Sha256};

use crate::{
    body::Body,
    finding::{FindingKind, Findings},
};

/// The end of the chain.
#[derive(Debug, Default)]
pub(super) struct Chain {
    seq: u64,
    /// The hash of the newest record; zero before the first.
    head: [u8; 32],
    at_ms: u64,
}

impl Chain {
    pub fn is_empty(&self) -> bool {
        self.seq == 0
    }

    /// Checks that `record`, whose bytes are `body`, follows.
    pub fn push(&mut self, record: &Body<'_>, body: &[u8], findings: &mut Findings) {
        let expected = self.seq.saturating_add(1);
        if record.seq != expected {
            findings.add(FindingKind::Gap { expected });
        } else if record.prev.0 != self.head {
            findings.add(FindingKind::Chain);
        }
        if record.at_ms < self.at_ms {
            let (before_ms, at_ms) = (self.at_ms, record.at_ms);
            findings.add(FindingKind::TimeWentBack { before_ms, at_ms });
        }
        self.seq = record.seq;
        self.head = Sha256::digest(body).into();
        self.at_ms = record.at_ms;
    }

    /// Takes bytes that are not readable for the next record; returns its `seq`.
    pub fn skip(&mut self, body: &[u8]) -> u64 {
        self.seq = self.seq.saturating_add(1);
        self.head = Sha256::digest(body).into();
        self.seq
    }
}
