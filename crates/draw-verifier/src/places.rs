//! The places of a queue in the order of joining.

use std::hash::{BuildHasher, RandomState};

use crate::text::Leaf;

/// An empty slot of the table.
const EMPTY: u32 = u32::MAX;

/// Places and the index of each. A map from leaves would hold every leaf twice; the table here
/// has four bytes for a place.
pub(crate) struct Places {
    leaves: Vec<Leaf>,
    /// Indexes of leaves, each at or after the slot of its leaf's hash; a power of two of them.
    table: Vec<u32>,
    // With random keys: leaves of a forged ledger cannot be chosen to share slots.
    hasher: RandomState,
}

impl Places {
    pub fn new() -> Self {
        Self { leaves: Vec::new(), table: vec![EMPTY; 16], hasher: RandomState::new() }
    }

    pub fn leaves(&self) -> &[Leaf] {
        &self.leaves
    }

    pub fn len(&self) -> u64 {
        self.leaves.len() as u64
    }

    /// Adds a place; returns the index of an older one with the same leaf.
    pub fn push(&mut self, leaf: Leaf) -> Option<u32> {
        if 4 * (self.leaves.len() + 1) > 3 * self.table.len() {
            self.grow();
        }
        let index = self.leaves.len() as u32;
        assert!(index < EMPTY, "more places than there are people");
        self.leaves.push(leaf);
        let slot = self.slot(&leaf);
        if self.table[slot] == EMPTY {
            self.table[slot] = index;
            return None;
        }
        Some(self.table[slot])
    }

    /// The index of a leaf.
    pub fn index(&self, leaf: &Leaf) -> Option<u32> {
        Some(self.table[self.slot(leaf)]).filter(|index| *index != EMPTY)
    }

    /// The slot that has the leaf, or the one to put it.
    fn slot(&self, leaf: &Leaf) -> usize {
        let mask = self.table.len() - 1;
        let mut slot = self.hasher.hash_one(leaf) as usize & mask;
        while self.table[slot] != EMPTY && self.leaves[self.table[slot] as usize] != *leaf {
            slot = (slot + 1) & mask;
        }
        slot
    }

    fn grow(&mut self) {
        let old = std::mem::take(&mut self.table);
        self.table = vec![EMPTY; 2 * old.len()];
        for index in old.into_iter().filter(|index| *index != EMPTY) {
            let slot = self.slot(&self.leaves[index as usize]);
            self.table[slot] = index;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_found_and_duplicates_are_not_added_to_the_table() {
        let leaf = |key: u32| Leaf::of("e", 1, &key.to_string());
        let mut places = Places::new();
        for key in 0..1_000 {
            assert_eq!(places.push(leaf(key)), None);
        }
        assert_eq!(places.push(leaf(7)), Some(7));
        assert_eq!((places.len(), places.index(&leaf(7))), (1_001, Some(7)));
        assert_eq!((places.index(&leaf(999)), places.index(&leaf(1_000))), (Some(999), None));
    }
}
