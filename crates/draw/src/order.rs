//! The order of a draw.

use crate::{key::DrawKey, leaf::Leaf, threshold::Threshold};

/// Places up to which a draw is computed within a millisecond, so that it needs no thread of its
/// own.
pub const QUICK_PLACES: usize = 256;

/// The thresholds of all participants, ascending: 16 bytes a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order(Vec<u128>);

impl Order {
    /// The order of `leaves` under `key`.
    #[must_use]
    pub fn new(key: &DrawKey, leaves: impl Iterator<Item = Leaf>) -> Self {
        let mut thresholds: Vec<_> = key.thresholds(leaves).map(Threshold::get).collect();
        thresholds.sort_unstable();
        Self(thresholds)
    }

    /// Number of participants.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.0.len() as u64
    }

    /// Nobody took part.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The turn of the place with this threshold, from 1; `None` if it took no part.
    #[must_use]
    pub fn rank(&self, threshold: Threshold) -> Option<u64> {
        self.0.binary_search(&threshold.get()).ok().map(|index| index as u64 + 1)
    }

    /// The threshold of the place whose turn is `serving`; of the last one after that. `None` while
    /// nobody is called or if nobody took part.
    #[must_use]
    pub fn upto(&self, serving: u64) -> Option<Threshold> {
        let last = serving.min(self.len()).checked_sub(1)?;
        let threshold = usize::try_from(last).ok().and_then(|index| self.0.get(index));
        threshold.copied().map(Threshold::new)
    }
}
