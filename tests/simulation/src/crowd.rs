//! What people in the waiting room were told, and whether the ledger agrees.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use draw_verifier::{Beacons, LedgerVerifier, Stage};
use inventory::ledger::{Change, QueueChange, Record};
use signing::{PassClaims, PlaceClaims};

use crate::room;

/// Of one waiting room.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CrowdStats {
    /// People who were told their places.
    pub places: u64,
    /// Of them, those who were told it more than once.
    pub asked_again: u64,
    /// Passes that people were given.
    pub passes: u64,
    /// Holds and sales with a pass.
    pub holds: u64,
    /// Whether the draw was revealed.
    pub drawn: bool,
}

/// Clones share what was told.
#[derive(Debug, Clone, Default)]
pub struct Crowd(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    places: BTreeMap<String, PlaceClaims>,
    passes: BTreeMap<String, PassClaims>,
    turns: BTreeMap<String, u64>,
    asked_again: u64,
    wrong: Option<String>,
}

impl State {
    /// Keeps the first thing that is wrong.
    fn fail(&mut self, what: String) {
        self.wrong.get_or_insert(what);
    }
}

/// Records what `person` was told. An error if it was told something else before.
fn note<T: PartialEq + std::fmt::Debug>(
    known: &mut BTreeMap<String, T>,
    person: &str,
    told: T,
) -> Result<bool, String> {
    match known.get(person) {
        Some(before) if *before == told => Ok(true),
        Some(before) => Err(format!("{person} was told {before:?}, and then {told:?}")),
        None => {
            known.insert(person.to_owned(), told);
            Ok(false)
        }
    }
}

impl Crowd {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `person` was told its place.
    pub fn placed(&self, person: &str, place: PlaceClaims) {
        let mut state = self.state();
        match note(&mut state.places, person, place) {
            Ok(again) => state.asked_again += u64::from(again),
            Err(what) => state.fail(what),
        }
    }

    /// `person` was told its turn.
    pub fn turned(&self, person: &str, turn: u64) {
        let mut state = self.state();
        if let Err(what) = note(&mut state.turns, person, turn) {
            state.fail(what);
        }
    }

    /// `person` was given a pass.
    pub fn passed(&self, person: &str, pass: PassClaims) {
        let mut state = self.state();
        if let Err(what) = note(&mut state.passes, person, pass) {
            state.fail(what);
        }
    }

    /// Something happened that must not.
    pub fn broken(&self, what: String) {
        self.state().fail(what);
    }

    /// Compares what was told with the ledger of the event.
    ///
    /// # Errors
    /// The first difference.
    pub fn check(&self, bodies: &[Vec<u8>]) -> Result<CrowdStats, String> {
        let state = self.state();
        if let Some(wrong) = &state.wrong {
            return Err(wrong.clone());
        }
        let (mut leaves, mut claimed) = (Vec::new(), BTreeMap::new());
        for record in bodies.iter().filter_map(|body| Record::from_body(body).ok()) {
            match record.change {
                Change::Queue(QueueChange::Joined(joined)) => leaves.extend(joined.leaves),
                Change::Queue(QueueChange::PassClaimed(pass)) => {
                    claimed.insert(pass.leaf.to_string(), pass);
                }
                _ => {}
            }
        }
        for (person, place) in &state.places {
            let found = usize::try_from(place.index).ok().and_then(|index| leaves.get(index));
            if found.is_none_or(|leaf| leaf.to_string() != place.leaf) {
                return Err(format!(
                    "{person} was told a place the ledger does not have: {place:?}"
                ));
            }
        }
        for (person, pass) in &state.passes {
            let found = claimed.get(&pass.leaf);
            let is_it = found.is_some_and(|found| {
                found.pass.to_string() == pass.pass.to_string()
                    && found.expires_at_ms.div_ceil(1_000) == pass.expires_at_s
            });
            if !is_it {
                return Err(format!("{person} was given a pass that is {found:?}: {pass:?}"));
            }
        }
        let beacons =
            Beacons { check: &|_, _, _| Err("unknown".to_owned()), chain_info: &|_| None };
        let mut verifier = LedgerVerifier::new(room::EVENT, beacons);
        bodies.iter().for_each(|body| verifier.push(body));
        let report = match verifier.finish() {
            Ok(report) => report,
            Err(_) if bodies.is_empty() => return Ok(CrowdStats::default()),
            Err(findings) => return Err(format!("the draw: {findings:?}")),
        };
        let queue = report.queues.last();
        Ok(CrowdStats {
            places: state.places.len() as u64,
            asked_again: state.asked_again,
            passes: state.passes.len() as u64,
            holds: queue.map_or(0, |queue| queue.holds),
            drawn: queue.is_some_and(|queue| queue.stage == Stage::Revealed),
        })
    }
}
