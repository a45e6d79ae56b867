//! What people remember.

use std::collections::{BTreeMap, HashMap};

/// A place that was acknowledged.
#[derive(Debug, Clone)]
pub struct Joined {
    pub index: u64,
    pub token: String,
}

/// What all people remember, by their numbers.
#[derive(Debug, Default)]
pub struct Notes {
    /// People who asked for a place.
    pub asked: Vec<usize>,
    pub joined: HashMap<usize, Joined>,
    pub turns: HashMap<usize, u64>,
    /// The ids of passes.
    pub passes: HashMap<usize, String>,
    /// The ids of holds, and the tickets.
    pub holds: HashMap<usize, (String, u64)>,
    /// The same of holds that were confirmed.
    pub confirmed: HashMap<usize, (String, u64)>,
    /// Responses that there should not be.
    pub wrong: Vec<String>,
    pub counts: BTreeMap<&'static str, u64>,
}

impl Notes {
    pub fn count(&mut self, what: &'static str) {
        *self.counts.entry(what).or_default() += 1;
    }
}
