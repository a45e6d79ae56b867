//! The result of a verification of public documents without findings.

use crate::{
    order::Order,
    places::Places,
    report::Stage,
    text::{Hex, Leaf},
};

/// A place whose proof is right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VerifiedPlace {
    /// Its index.
    pub index: u64,
    /// The place.
    pub leaf: Leaf,
    /// Its turn, as computed; none before the reveal and without the leaves.
    pub turn: Option<u64>,
}

/// A draw whose public documents are right.
pub struct PublicReport {
    /// The event.
    pub event: String,
    /// The id of the queue.
    pub queue: u64,
    /// How far the draw has come.
    pub stage: Stage,
    /// Places that take part in the draw; 0 before it is frozen.
    pub participants: u64,
    /// The root of the tree over the participants, once the draw is frozen.
    pub root: Option<Hex<32>>,
    /// Whether the draw is mixed with the beacon that it was committed to.
    pub witnessed: bool,
    /// The highest turn called.
    pub serving: u64,
    /// The place of the proof.
    pub place: Option<VerifiedPlace>,
    pub(super) places: Option<Places>,
    pub(super) order: Option<Order>,
}

impl PublicReport {
    /// Whether the order is known and was drawn without a beacon.
    #[must_use]
    pub fn is_unwitnessed(&self) -> bool {
        self.stage == Stage::Revealed && !self.witnessed
    }

    /// Whether the order of the draw was computed, which needs the reveal and the leaves.
    #[must_use]
    pub fn has_order(&self) -> bool {
        self.order.is_some()
    }

    /// The number of leaves that were read; none when no page was.
    #[must_use]
    pub fn places(&self) -> Option<u64> {
        self.places.as_ref().map(Places::len)
    }

    /// The index of a place; none when the pages do not have it.
    #[must_use]
    pub fn index(&self, leaf: &Leaf) -> Option<u64> {
        self.places.as_ref()?.index(leaf).map(u64::from)
    }

    /// The turn of a place, as computed; none when the pages do not have it, and before the reveal.
    #[must_use]
    pub fn turn(&self, leaf: &Leaf) -> Option<u64> {
        let index = self.places.as_ref()?.index(leaf)?;
        Some(self.order.as_ref()?.turn(index))
    }
}
