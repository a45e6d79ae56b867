//! Places of a waiting room, and their passes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{HoldId, TimeMs};

/// Passes that expire within this part of their time share an entry.
const PASS_PARTS: u64 = 32;

/// The passes of a waiting room.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passes {
    /// How many were claimed.
    pub claimed: u64,
    /// How many of them were used.
    pub spent: u64,
    /// How many tickets were held or bought with them.
    pub taken: u64,
    /// Those not used yet, by the time at which they count as expired.
    pub open: BTreeMap<TimeMs, u64>,
}

/// A place as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Its number, from 0.
    pub index: u64,
    /// Its pass, once it is claimed.
    pub pass: Option<Pass>,
}

/// The pass of a place: who has it may hold or buy once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pass {
    /// Identifies it; nobody can guess it.
    pub id: HoldId,
    /// When it was claimed.
    pub claimed_at_ms: TimeMs,
    /// When it expires.
    pub expires_at_ms: TimeMs,
    /// The hold or reservation that was made with it.
    pub spent_on: Option<HoldId>,
}

impl Passes {
    /// How many are neither used nor expired at `at_ms`. An expired one counts a little longer.
    #[must_use]
    pub fn active(&self, at_ms: TimeMs) -> u64 {
        self.open.range(at_ms + 1..).map(|(_, open)| open).sum()
    }

    pub(super) fn forget_expired(&mut self, at_ms: TimeMs) {
        self.open = self.open.split_off(&(at_ms + 1));
    }
}

impl Pass {
    /// Until when it counts as active: its expiry, rounded up so that there are few such times.
    #[must_use]
    pub fn counts_until_ms(&self) -> TimeMs {
        let step_ms = ((self.expires_at_ms - self.claimed_at_ms) / PASS_PARTS)
            .next_multiple_of(1_000)
            .max(1_000);
        self.expires_at_ms.next_multiple_of(step_ms)
    }

    /// Whether nothing can be held or bought with it at `at_ms`.
    #[must_use]
    pub fn is_spent(&self, at_ms: TimeMs) -> bool {
        self.spent_on.is_some() || self.expires_at_ms <= at_ms
    }
}
