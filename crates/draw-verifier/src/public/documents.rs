//! The public documents of a draw.

use serde::{Deserialize, de::DeserializeOwned};

use crate::{
    finding::{FindingKind, Findings},
    reveal::{Commitment, CommittedBeacon, Reveal, RevealedBeacon},
    text::{Hex, Leaf},
};

/// The draw.
#[derive(Deserialize)]
pub(super) struct DrawDocument {
    pub event: String,
    pub queue: u64,
    rule: String,
    pub committed: CommittedDocument,
    pub frozen: Option<FrozenDocument>,
    pub revealed: Option<RevealedDocument>,
    pub witnessed: bool,
    pub serving: u64,
    pub upto: Option<Hex<16>>,
}

#[derive(Deserialize)]
pub(super) struct CommittedDocument {
    pub seq: u64,
    commitment: Hex<32>,
    beacon: Option<CommittedBeacon>,
}

#[derive(Deserialize)]
pub(super) struct FrozenDocument {
    pub seq: u64,
    pub n: u64,
    pub root: Hex<32>,
}

#[derive(Deserialize)]
pub(super) struct RevealedDocument {
    pub seq: u64,
    seed: Hex<32>,
    beacon: Option<RevealedBeacon>,
}

/// A page of leaves.
#[derive(Deserialize)]
pub(super) struct Page {
    pub leaves: Vec<Leaf>,
    pub next: Option<u64>,
}

/// The proof of a place.
#[derive(Deserialize)]
pub(super) struct Proof {
    pub index: u64,
    pub leaf: Leaf,
    pub n: u64,
    pub root: Hex<32>,
    pub path: Vec<Hex<32>>,
    pub rank: Option<u64>,
}

impl DrawDocument {
    pub fn commitment(&self) -> Commitment {
        Commitment {
            rule: self.rule.clone(),
            commitment: self.committed.commitment,
            beacon: self.committed.beacon.clone(),
        }
    }
}

impl RevealedDocument {
    pub fn reveal(&self) -> Reveal {
        Reveal { seed: self.seed, beacon: self.beacon.clone() }
    }
}

/// Reads a document.
pub(super) fn read<T: DeserializeOwned>(
    document: &'static str,
    bytes: &[u8],
    findings: &mut Findings,
) -> Option<T> {
    let read = serde_json::from_slice(bytes);
    read.map_err(|error| findings.add(FindingKind::Document { document, why: error.to_string() }))
        .ok()
}
