//! The public documents of a draw.

use draw_verifier::{Finding, FindingKind, Hex, Leaf, PublicReport, PublicVerifier, Stage};
use serde_json::{Value, json};

use crate::{
    builder::{CHAIN, EVENT, ROUND, SEED, beacons, hex, path, root, signature, text},
    honest::{Honest, QUEUE, USUAL, committed},
};

struct Documents {
    draw: Value,
    pages: Vec<Value>,
    proof: Option<Value>,
}

/// The documents when turns up to `serving` were called.
fn documents(of: Honest, serving: usize) -> Documents {
    let leaves = of.leaves();
    let participants = &leaves[..of.participants];
    let mut committed = committed(&SEED, of.witnessed);
    let rule = committed.as_object_mut().unwrap().remove("rule").unwrap();
    committed["seq"] = 3.into();
    let mut draw = json!({
        "event": EVENT,
        "queue": QUEUE,
        "rule": rule,
        "committed": committed,
        "frozen": {"seq": 29, "n": of.participants, "root": hex(root(participants))},
        "revealed": {"seq": 31, "seed": hex(SEED)},
        "witnessed": of.witnessed,
        "serving": serving,
    });
    if of.witnessed {
        draw["revealed"]["beacon"] =
            json!({"round": ROUND, "signature": hex(signature(CHAIN, ROUND))});
    }
    if serving > 0 {
        draw["upto"] = of.upto(&of.turns(), serving).into();
    }
    let pages = leaves.chunks(128).zip(1..).map(|(page, number)| {
        let texts: Vec<_> = page.iter().map(text).collect();
        let next = (page.len() == 128).then_some(128 * number);
        next.map_or_else(
            || json!({"leaves": texts}),
            |next: usize| json!({"leaves": texts, "next": next}),
        )
    });
    Documents { draw, pages: pages.collect(), proof: None }
}

/// The proof of the place with this turn.
fn proof(of: Honest, turn: usize) -> Value {
    let (leaves, (leaf, _)) = (of.leaves(), of.turns()[turn - 1]);
    let participants = &leaves[..of.participants];
    let index = leaves.iter().position(|other| *other == leaf).unwrap();
    let path = if index < of.participants { path(index, participants) } else { Vec::new() };
    json!({
        "index": index,
        "leaf": text(&leaf),
        "n": of.participants,
        "root": hex(root(participants)),
        "path": path.iter().map(hex).collect::<Vec<_>>(),
        "rank": turn,
    })
}

impl Documents {
    fn with(self, proof: Value) -> Self {
        Self { proof: Some(proof), ..self }
    }

    fn change(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    fn verify(&self) -> Result<PublicReport, Vec<Finding>> {
        let mut verifier = PublicVerifier::new(self.draw.to_string().as_bytes(), beacons())?;
        for page in &self.pages {
            verifier.push_page(page.to_string().as_bytes());
        }
        if let Some(proof) = &self.proof {
            verifier.push_proof(proof.to_string().as_bytes());
        }
        verifier.finish()
    }

    fn findings(&self) -> Vec<Finding> {
        self.verify().err().unwrap()
    }

    fn finding(&self) -> FindingKind {
        self.findings().remove(0).kind
    }
}

#[test]
fn pages_may_end_with_the_participants() {
    let of = Honest { late: 0, ..USUAL };
    let later = documents(of, 500).change(|all| all.draw["serving"] = 600.into());
    let report = later.verify().unwrap();
    assert_eq!((report.places(), report.serving), (Some(500), 600));
}

#[test]
fn honest_documents_pass() {
    for witnessed in [true, false] {
        let of = Honest { witnessed, ..USUAL };
        let report = documents(of, 520).with(proof(of, 17)).verify().unwrap();
        assert_eq!((report.event.as_str(), report.queue), (EVENT, QUEUE));
        assert_eq!((report.stage, report.participants), (Stage::Revealed, 500));
        assert_eq!((report.witnessed, report.is_unwitnessed()), (witnessed, !witnessed));
        assert_eq!((report.places(), report.serving), (Some(600), 520));
        assert_eq!(report.root, Some(Hex(root(&of.leaves()[..500]))));
        assert_eq!(report.place.unwrap().turn, Some(17));
        assert!(report.has_order());
        for (turn, (leaf, _)) in (1..).zip(of.turns()) {
            assert_eq!(report.turn(&Leaf::from_bytes(leaf)), Some(turn));
        }
        for (index, leaf) in (0..).zip(of.leaves()) {
            assert_eq!(report.index(&Leaf::from_bytes(leaf)), Some(index));
        }
        assert_eq!(report.turn(&Leaf::of(EVENT, QUEUE, "another")), None);
        assert_eq!(report.index(&Leaf::of(EVENT, QUEUE, "key-3")), Some(3));
    }
}

#[test]
fn every_place_has_a_proof() {
    let documents = documents(USUAL, 0);
    for turn in (1..=600).step_by(37).chain([500, 501]) {
        let documents = Documents {
            draw: documents.draw.clone(),
            pages: Vec::new(),
            proof: Some(proof(USUAL, turn)),
        };
        let report = documents.verify().unwrap();
        let late = (turn > 500).then_some(turn as u64);
        assert_eq!((report.place.unwrap().turn, report.has_order()), (late, false));
    }
    for turn in [1, 500, 501] {
        let again = documents.pages.clone();
        let all = Documents { draw: documents.draw.clone(), pages: again, proof: None };
        let report = all.with(proof(USUAL, turn)).verify().unwrap();
        assert_eq!(report.place.unwrap().turn, Some(turn as u64));
    }
}

#[test]
fn documents_before_the_reveal_pass() {
    let remove = |documents: &mut Documents, member| {
        documents.draw.as_object_mut().unwrap().remove(member);
        documents.draw["witnessed"] = false.into();
    };
    let mut now = documents(USUAL, 0).with(proof(USUAL, 3));
    now.proof.as_mut().unwrap().as_object_mut().unwrap().remove("rank");
    remove(&mut now, "revealed");
    let report = now.verify().unwrap();
    assert_eq!((report.stage, report.is_unwitnessed()), (Stage::Frozen, false));
    assert_eq!(report.place.unwrap().turn, None);

    // Before the freeze the tree is that of the places so far.
    remove(&mut now, "frozen");
    assert_eq!(now.verify().unwrap().stage, Stage::Open);
    now.proof.as_mut().unwrap()["root"] = hex([1; 32]).into();
    assert!(matches!(now.finding(), FindingKind::ProofTree { n: 500, .. }));

    now.proof = None;
    now.draw["serving"] = 1.into();
    assert_eq!(now.finding(), FindingKind::CalledUnrevealed);
}

#[test]
fn tampered_draws_are_found() {
    let tampered = |change: fn(&mut Value)| {
        let documents = documents(USUAL, 520).change(|all| change(&mut all.draw));
        let mut findings = documents.findings();
        (findings[0].seq, findings.remove(0).kind)
    };
    let (seq, kind) = tampered(|draw| draw["revealed"]["seed"] = hex([8; 32]).into());
    assert_eq!((seq, kind), (31, FindingKind::Commitment));
    let (_, kind) = tampered(|draw| draw["committed"]["commitment"] = hex([8; 32]).into());
    assert_eq!(kind, FindingKind::Commitment);
    let (_, kind) = tampered(|draw| draw["committed"]["beacon"]["round"] = 1.into());
    assert_eq!(kind, FindingKind::BeaconRound { committed: 1, revealed: ROUND });
    let (_, kind) = tampered(|draw| draw["committed"]["beacon"]["chain"] = "00".into());
    assert!(matches!(kind, FindingKind::BeaconSignature(_)));
    let (_, kind) = tampered(|draw| draw["revealed"]["beacon"]["signature"] = "00".into());
    assert!(matches!(kind, FindingKind::BeaconSignature(_)));
    let (seq, kind) = tampered(|draw| draw["frozen"]["root"] = hex([8; 32]).into());
    assert!(seq == 29 && matches!(kind, FindingKind::Root { .. }));
    let (_, kind) = tampered(|draw| draw["frozen"]["n"] = 499.into());
    assert!(matches!(kind, FindingKind::Root { .. }));
    let (_, kind) = tampered(|draw| draw["frozen"]["n"] = 601.into());
    assert_eq!(kind, FindingKind::LeavesMissing { leaves: 600, n: 601 });
    let (_, kind) = tampered(|draw| draw["witnessed"] = false.into());
    assert_eq!(kind, FindingKind::Witnessed { published: false });
    let (_, kind) = tampered(|draw| draw["rule"] = "lottery".into());
    assert!(matches!(kind, FindingKind::Rule(_)));
    let (_, kind) = tampered(|draw| draw["committed"]["seq"] = 30.into());
    assert_eq!(kind, FindingKind::CommittedLate);
    let (_, kind) = tampered(|draw| draw["revealed"]["seq"] = 28.into());
    assert_eq!(kind, FindingKind::RevealedUnfrozen);
    let (_, kind) = tampered(|draw| draw["serving"] = 601.into());
    assert_eq!(kind, FindingKind::ServingBeyond { serving: 601, places: 600 });
    let (_, kind) = tampered(|draw| draw["serving"] = 499.into());
    assert!(matches!(kind, FindingKind::Threshold { serving: 499, .. }));
    let (_, kind) = tampered(|draw| draw["upto"] = USUAL.upto(&USUAL.turns(), 499).into());
    assert!(matches!(kind, FindingKind::Threshold { serving: 520, .. }));
    let (_, kind) = tampered(|draw| draw["serving"] = "many".into());
    assert!(matches!(kind, FindingKind::Document { document: "draw", .. }));
    let (_, kind) = tampered(|draw| {
        draw["revealed"].as_object_mut().unwrap().remove("beacon");
        draw["witnessed"] = false.into();
    });
    assert!(matches!(kind, FindingKind::Threshold { .. }));
}

#[test]
fn tampered_leaves_are_found() {
    let tampered = |change: fn(&mut Vec<Value>)| {
        documents(USUAL, 520).change(|all| change(&mut all.pages)).finding()
    };
    let leaves = |page: &mut Value| page["leaves"].as_array_mut().unwrap().clone();
    assert_eq!(leaves(&mut documents(USUAL, 0).pages[0]).len(), 128);
    let swapped = |pages: &mut Vec<Value>| {
        pages[1]["leaves"].as_array_mut().unwrap().swap(3, 4);
    };
    assert!(matches!(tampered(swapped), FindingKind::Root { .. }));
    let duplicated = |pages: &mut Vec<Value>| pages[1]["leaves"][3] = pages[0]["leaves"][7].clone();
    assert!(matches!(tampered(duplicated), FindingKind::DuplicateLeaf { index: 7, .. }));
    let removed = |pages: &mut Vec<Value>| {
        pages[1]["leaves"].as_array_mut().unwrap().remove(3);
    };
    assert_eq!(tampered(removed), FindingKind::PageOrder { counted: 255, next: 256 });
    let page_missing = |pages: &mut Vec<Value>| drop(pages.remove(1));
    assert_eq!(tampered(page_missing), FindingKind::PageOrder { counted: 256, next: 384 });
    let cut = |pages: &mut Vec<Value>| pages.truncate(3);
    assert_eq!(tampered(cut), FindingKind::LeavesMissing { leaves: 384, n: 500 });
    let unreadable = |pages: &mut Vec<Value>| pages[0]["leaves"][0] = "A".into();
    assert!(matches!(tampered(unreadable), FindingKind::Document { .. }));
    // Pages after the last participant may be left out.
    documents(USUAL, 520).change(|all| all.pages.truncate(4)).verify().unwrap();
}

#[test]
fn tampered_proofs_are_found() {
    let tampered = |turn, change: fn(&mut Value)| {
        let mut proof = proof(USUAL, turn);
        change(&mut proof);
        documents(USUAL, 520).with(proof).finding()
    };
    assert!(matches!(tampered(9, |one| one["n"] = 499.into()), FindingKind::ProofTree { .. }));
    let other_root = |one: &mut Value| one["root"] = hex([1; 32]).into();
    assert!(matches!(tampered(9, other_root), FindingKind::ProofTree { .. }));
    let short = |one: &mut Value| drop(one["path"].as_array_mut().unwrap().pop());
    assert!(matches!(tampered(9, short), FindingKind::ProofPath { .. }));
    let none = |one: &mut Value| one["path"] = json!([]);
    assert!(matches!(tampered(9, none), FindingKind::ProofPath { .. }));
    let other_node = |one: &mut Value| one["path"][2] = hex([1; 32]).into();
    assert!(matches!(tampered(9, other_node), FindingKind::ProofPath { .. }));
    let other_leaf = |one: &mut Value| one["leaf"] = text(&[1; 32]).into();
    assert!(matches!(tampered(9, other_leaf), FindingKind::ProofPath { .. }));
    assert!(matches!(tampered(505, other_leaf), FindingKind::ProofLeaf { index: 504, .. }));
    let rank = |one: &mut Value| one["rank"] = 8.into();
    assert_eq!(tampered(9, rank), FindingKind::ProofRank { rank: 8, turn: 9 });
    assert_eq!(tampered(505, rank), FindingKind::ProofRank { rank: 8, turn: 505 });
}
