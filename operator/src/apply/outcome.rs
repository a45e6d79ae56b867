//! The result of applying the children of one system.

use super::{change::Change, contest::FieldConflict, pending::Pending};
use crate::{dereference::Live, kind::Kind};

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
    /// The event that the remaining changes wait for.
    pub pending: Option<Pending>,
}

/// A child that could not be applied or deleted. It does not stop the other children.
#[derive(Debug, thiserror::Error)]
#[error("{kind} {name}: {message}")]
pub struct ChildFailure {
    pub kind: Kind,
    pub name: String,
    pub reason: FailureReason,
    pub message: String,
}

/// The reason of a [`ChildFailure`], for conditions and events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureReason {
    /// An object of another owner has the name.
    NameConflict,
    /// The API server rejects the child.
    ApplyFailed,
    /// The API server rejects the deletion of the child.
    PruneFailed,
}

impl FailureReason {
    /// The reason as conditions and events spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NameConflict => "NameConflict",
            Self::ApplyFailed => "ApplyFailed",
            Self::PruneFailed => "PruneFailed",
        }
    }
}
