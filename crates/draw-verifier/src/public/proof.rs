//! The proof of a place.

use super::{
    documents::{FrozenDocument, Proof},
    report::VerifiedPlace,
};
use crate::{
    finding::{FindingKind, Findings},
    merkle,
    order::Order,
    places::Places,
    text::Hex,
};

/// Checks that the place takes part in the draw, or follows its participants.
pub(super) fn check_proof(
    proof: &Proof,
    frozen: Option<&FrozenDocument>,
    places: Option<&Places>,
    order: Option<&Order>,
    findings: &mut Findings,
) -> VerifiedPlace {
    let Proof { index, leaf, n, root, .. } = *proof;
    if !is_tree(proof, frozen, places) {
        findings.add(FindingKind::ProofTree { n, root });
    }
    let path: Vec<_> = proof.path.iter().map(|node| node.0).collect();
    let leads = merkle::root_of_path(leaf.as_bytes(), index, n, &path) == Some(root.0);
    // A place after the participants is not in their tree.
    let follows = frozen.is_some() && index >= n && path.is_empty();
    if !leads && !follows {
        findings.add(FindingKind::ProofPath { index });
    }
    let listed = places.and_then(|places| places.leaves().get(usize::try_from(index).ok()?));
    if listed.is_some_and(|listed| *listed != leaf) {
        findings.add(FindingKind::ProofLeaf { leaf, index });
    }
    let known = u32::try_from(index).ok().and_then(|index| order.map(|order| order.turn(index)));
    let turn = known.or(follows.then(|| index.saturating_add(1)));
    if let (Some(rank), Some(turn)) = (proof.rank, turn)
        && rank != turn
    {
        findings.add(FindingKind::ProofRank { rank, turn });
    }
    VerifiedPlace { index, leaf, turn }
}

/// Whether the proof's tree is that of the draw; before the freeze, of leaves in the pages.
fn is_tree(proof: &Proof, frozen: Option<&FrozenDocument>, places: Option<&Places>) -> bool {
    if let Some(frozen) = frozen {
        return (proof.n, proof.root) == (frozen.n, frozen.root);
    }
    let tree = places.and_then(|places| places.leaves().get(..usize::try_from(proof.n).ok()?));
    tree.is_none_or(|leaves| Hex(merkle::root(leaves)) == proof.root)
}
