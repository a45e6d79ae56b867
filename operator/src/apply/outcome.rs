//! The result of applying the children of one system.

use std::collections::BTreeSet;

use super::{
    change::Change, contest::FieldConflict, failure::ChildFailure, hold::Hold, pending::Pending,
};
use crate::dereference::Live;

/// The result of one application.
#[derive(Debug, Default)]
pub struct Applied {
    /// The live children afterwards.
    pub live: Live,
    pub changes: Vec<Change>,
    /// Children the API server rejected, with its messages.
    pub failures: Vec<ChildFailure>,
    /// Children that another writer keeps changing.
    pub conflicts: Vec<FieldConflict>,
    /// What would change if the system were not paused.
    pub drift: Vec<String>,
    /// Children that keep their live state, and why.
    pub holds: Vec<Hold>,
    /// Names of the pods whose checks the next application needs.
    pub checks: BTreeSet<String>,
    /// Warnings to publish, as reason and note.
    pub warnings: Vec<(&'static str, String)>,
    /// The event that the remaining changes wait for.
    pub pending: Option<Pending>,
}
