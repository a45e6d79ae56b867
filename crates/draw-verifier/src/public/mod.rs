//! Checks the documents of a draw that every visitor can read.

mod documents;
mod proof;
mod report;

pub use self::report::{PublicReport, VerifiedPlace};
use self::{
    documents::{DrawDocument, Page, Proof, read},
    proof::check_proof,
};
use crate::{
    beacon::Beacons,
    finding::{Finding, FindingKind, Findings},
    merkle,
    order::Order,
    places::Places,
    report::Stage,
    text::Hex,
};

/// Checks a draw, the pages of its leaves and the proof of a place.
///
/// The leaves may be left out: then the order is not computed, and the proof alone shows that a
/// place takes part. When places were joined, and so their number, only the ledger shows.
pub struct PublicVerifier<'a> {
    draw: DrawDocument,
    beacons: Beacons<'a>,
    places: Option<Places>,
    next: Option<u64>,
    proof: Option<Proof>,
    findings: Findings,
}

impl<'a> PublicVerifier<'a> {
    /// A verifier of the draw in this document, which has to be read before the leaves: places are
    /// joined and called meanwhile.
    ///
    /// # Errors
    /// The finding, when the document is not readable.
    pub fn new(draw: &[u8], beacons: Beacons<'a>) -> Result<Self, Vec<Finding>> {
        let mut findings = Findings::default();
        let draw = read("draw", draw, &mut findings);
        let Some(draw) = findings.result(draw)? else { unreachable!("it would be a finding") };
        let findings = Findings::default();
        Ok(Self { draw, beacons, places: None, next: None, proof: None, findings })
    }

    /// Takes the next page of leaves; returns the index to ask for the page after it.
    pub fn push_page(&mut self, page: &[u8]) -> Option<u64> {
        self.findings.at(self.draw.frozen.as_ref().map_or(0, |frozen| frozen.seq));
        let page = read::<Page>("page of leaves", page, &mut self.findings)?;
        let places = self.places.get_or_insert_with(Places::new);
        for leaf in page.leaves {
            if let Some(index) = places.push(leaf) {
                self.findings.add(FindingKind::DuplicateLeaf { leaf, index: index.into() });
            }
        }
        let counted = places.len();
        if let Some(next) = page.next.filter(|next| *next != counted) {
            self.findings.add(FindingKind::PageOrder { counted, next });
            return None;
        }
        self.next = page.next;
        page.next
    }

    /// Takes the proof of a place.
    pub fn push_proof(&mut self, proof: &[u8]) {
        self.findings.at(self.draw.frozen.as_ref().map_or(0, |frozen| frozen.seq));
        self.proof = read("proof", proof, &mut self.findings);
    }

    /// The result.
    ///
    /// # Errors
    /// The findings, up to [`FINDINGS_MAX`](crate::FINDINGS_MAX). Their `seq` is that of the record
    /// that the document names for the value at fault.
    pub fn finish(mut self) -> Result<PublicReport, Vec<Finding>> {
        let participants = self.check_participants();
        let order = self.check_reveal(participants);
        self.check_calls(order.as_ref());
        let place = self.proof.as_ref().map(|proof| {
            let frozen = self.draw.frozen.as_ref();
            self.findings.at(frozen.map_or(0, |frozen| frozen.seq));
            check_proof(proof, frozen, self.places.as_ref(), order.as_ref(), &mut self.findings)
        });
        let DrawDocument { event, queue, frozen, revealed, witnessed, serving, .. } = self.draw;
        self.findings.result(PublicReport {
            event,
            queue,
            stage: match (&frozen, &revealed) {
                (_, Some(_)) => Stage::Revealed,
                (Some(_), None) => Stage::Frozen,
                (None, None) => Stage::Open,
            },
            participants: frozen.as_ref().map_or(0, |frozen| frozen.n),
            root: frozen.map(|frozen| frozen.root),
            witnessed: witnessed && revealed.is_some(),
            serving,
            place,
            places: self.places,
            order,
        })
    }

    /// Compares the leaves with the root; returns how many take part when all of them are there.
    fn check_participants(&mut self) -> Option<usize> {
        let (frozen, places) = (self.draw.frozen.as_ref()?, self.places.as_ref()?);
        self.findings.at(frozen.seq);
        let (n, leaves) = (frozen.n, places.len());
        // Pages after the participants may be left out.
        if leaves < n {
            self.findings.add(FindingKind::LeavesMissing { leaves, n });
            return None;
        }
        let n = n as usize;
        let (root, computed) = (frozen.root, Hex(merkle::root(&places.leaves()[..n])));
        if root != computed {
            self.findings.add(FindingKind::Root { root, computed });
            return None;
        }
        Some(n)
    }

    /// Compares what is revealed with what was committed; returns the order.
    fn check_reveal(&mut self, participants: Option<usize>) -> Option<Order> {
        let revealed = self.draw.revealed.as_ref()?;
        self.findings.at(revealed.seq);
        match &self.draw.frozen {
            Some(frozen) if self.draw.committed.seq > frozen.seq => {
                self.findings.add(FindingKind::CommittedLate);
            }
            Some(frozen) if frozen.seq < revealed.seq => {}
            _ => self.findings.add(FindingKind::RevealedUnfrozen),
        }
        let (commitment, reveal) = (self.draw.commitment(), revealed.reveal());
        let published = self.draw.witnessed;
        if published != commitment.is_witnessed_by(&reveal) {
            self.findings.add(FindingKind::Witnessed { published });
        }
        let key = commitment.open(&reveal, self.beacons, &mut self.findings)?;
        let (places, n) = (self.places.as_ref()?, participants?);
        Some(Order::new(key, &places.leaves()[..n]))
    }

    fn check_calls(&mut self, order: Option<&Order>) {
        let DrawDocument { serving, upto, revealed, .. } = &self.draw;
        let (serving, upto) = (*serving, *upto);
        self.findings.at(0);
        if serving > 0 && revealed.is_none() {
            self.findings.add(FindingKind::CalledUnrevealed);
        }
        let Some(places) = &self.places else { return };
        // Without the last page the number of places is not known, nor when the pages end with the
        // participants.
        let participants = self.draw.frozen.as_ref().map_or(0, |frozen| frozen.n);
        if serving > places.len() && self.next.is_none() && places.len() > participants {
            let places = places.len();
            self.findings.add(FindingKind::ServingBeyond { serving, places });
        }
        let Some(order) = order else { return };
        let computed = order.threshold(serving, places.leaves()).map(Hex);
        if upto != computed {
            self.findings.add(FindingKind::Threshold { serving, upto, computed });
        }
    }
}
