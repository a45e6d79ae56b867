//! Findings: a broken invariant, with the place.

use std::fmt;

use thiserror::Error;

/// An invariant, as listed in the documentation of this crate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Invariant {
    /// Sales stay within capacity and limits.
    I1,
    /// Acknowledged writes are in their ledger.
    I2,
    /// Counts balance, the hash chain is whole.
    I3,
    /// A key has one effect.
    I4,
    /// The state explains every answer, in real-time order.
    I5,
}

impl fmt::Display for Invariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// A broken invariant.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{invariant}: {what}")]
pub struct Finding {
    /// Which invariant is broken.
    pub invariant: Invariant,
    /// The contradiction and its place.
    pub what: String,
}

pub(crate) fn finding(invariant: Invariant, what: impl Into<String>) -> Finding {
    Finding { invariant, what: what.into() }
}
