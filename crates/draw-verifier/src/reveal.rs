//! What is committed before a draw, and what is revealed after it.

use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::{
    beacon::Beacons,
    finding::{FindingKind, Findings},
    order::{DrawKey, RULE},
    text::{Hex, HexBytes},
};

/// The committed round of a beacon.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CommittedBeacon {
    pub chain: String,
    pub round: u64,
}

/// What is committed.
#[derive(Debug, Clone)]
pub(crate) struct Commitment {
    pub rule: String,
    pub commitment: Hex<32>,
    pub beacon: Option<CommittedBeacon>,
}

/// The revealed signature of a round.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RevealedBeacon {
    pub round: u64,
    pub signature: HexBytes,
}

/// What is revealed.
#[derive(Debug, Clone)]
pub(crate) struct Reveal {
    pub seed: Hex<32>,
    pub beacon: Option<RevealedBeacon>,
}

impl Commitment {
    /// Whether the draw is mixed with the beacon that it was committed to.
    pub fn is_witnessed_by(&self, reveal: &Reveal) -> bool {
        self.beacon.is_some() && reveal.beacon.is_some()
    }

    /// The key of the draw; none when the revealed values are not those committed.
    pub fn open(
        &self,
        reveal: &Reveal,
        beacons: Beacons<'_>,
        findings: &mut Findings,
    ) -> Option<DrawKey> {
        let before = findings.len();
        if self.rule != RULE {
            findings.add(FindingKind::Rule(self.rule.clone()));
        }
        if <[u8; 32]>::from(Sha256::digest(reveal.seed.0)) != self.commitment.0 {
            findings.add(FindingKind::Commitment);
        }
        let randomness = match (&self.beacon, &reveal.beacon) {
            (_, None) => None,
            (None, Some(_)) => {
                findings.add(FindingKind::BeaconUncommitted);
                None
            }
            (Some(committed), Some(revealed)) if committed.round != revealed.round => {
                let (committed, revealed) = (committed.round, revealed.round);
                findings.add(FindingKind::BeaconRound { committed, revealed });
                None
            }
            (Some(CommittedBeacon { chain, round }), Some(revealed)) => {
                let checked = (beacons.check)(chain, *round, &revealed.signature.0);
                checked.map_err(|why| findings.add(FindingKind::BeaconSignature(why))).ok()
            }
        };
        (findings.len() == before).then(|| DrawKey::new(&reveal.seed.0, randomness.as_ref()))
    }

    /// Checks that the beacon did not exist yet when the draw was frozen.
    pub fn check_round(&self, frozen_at_ms: u64, beacons: Beacons<'_>, findings: &mut Findings) {
        let Some(CommittedBeacon { chain, round }) = &self.beacon else { return };
        let Some(info) = (beacons.chain_info)(chain) else { return };
        let round_at_ms = info.round_at_ms(*round);
        if round_at_ms < frozen_at_ms {
            findings.add(FindingKind::BeaconEarly { round_at_ms, frozen_at_ms });
        }
    }
}
