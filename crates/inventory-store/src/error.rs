//! Store errors, and the outcome of the batch after each.

use std::sync::Arc;

use thiserror::Error;

/// Why an operation of a store failed.
#[derive(Debug, Clone, Error)]
pub enum StoreError {
    /// A read or write failed. The outcome of a commit is unknown until recovery, and the store
    /// accepts no more writes.
    #[error("the store failed: {0}")]
    Failed(Arc<str>),
    /// Stored data is invalid.
    #[error("the store is damaged: {0}")]
    Damaged(Arc<str>),
    /// The store is unreachable or did not respond in time. The batch had no effect.
    #[error("store unavailable: {0}")]
    Unavailable(Arc<str>),
    /// The store refuses the data of the batch, and would refuse it again: a part of the batch may
    /// be accepted. The batch had no effect.
    #[error("the store refuses the data: {0}")]
    Refused(Arc<str>),
    /// Another process interfered, or the connection was lost before the write. The batch had no
    /// effect and can be decided again.
    #[error("store conflict: {0}")]
    Conflict(Arc<str>),
    /// The connection was lost during the commit, and the outcome could not be determined in time.
    /// Other batches continue. A retry with the same key returns the outcome.
    #[error("commit outcome unknown: {0}")]
    Unknown(Arc<str>),
    /// The index that a read needs is being built. The read can be repeated later.
    #[error("the index is being built")]
    IndexBuilding,
}

impl StoreError {
    /// Whether the process must stop, so that recovery determines the outcome.
    #[must_use]
    pub fn is_fatal(&self) -> bool {
        match self {
            Self::Failed(_) | Self::Damaged(_) => true,
            Self::Unavailable(_)
            | Self::Refused(_)
            | Self::Conflict(_)
            | Self::Unknown(_)
            | Self::IndexBuilding => false,
        }
    }

    /// Whether the batch certainly had no effect.
    #[must_use]
    pub fn is_without_effect(&self) -> bool {
        match self {
            Self::Unavailable(_) | Self::Refused(_) | Self::Conflict(_) | Self::IndexBuilding => {
                true
            }
            Self::Failed(_) | Self::Damaged(_) | Self::Unknown(_) => false,
        }
    }
}
