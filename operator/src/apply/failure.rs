//! Children that could not be applied or deleted.

use crate::kind::Kind;

/// A child that could not be applied or deleted. It does not stop the other children.
#[derive(Debug, thiserror::Error)]
#[error("{kind} {name}: {message}")]
pub struct ChildFailure {
    pub kind: Kind,
    pub name: String,
    pub reason: FailureReason,
    pub message: String,
    /// Whether there is no object that the pods could use.
    pub is_blocking: bool,
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
