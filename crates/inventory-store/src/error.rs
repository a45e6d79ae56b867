//! How a store fails, and what each failure leaves known.

use std::sync::Arc;

use thiserror::Error;

/// Why a store did not do what it was asked.
#[derive(Debug, Clone, Error)]
pub enum StoreError {
    /// A read or write failed. Whether a commit took effect is unknown; only recovery can tell.
    /// Nothing more may be written.
    #[error("the store failed: {0}")]
    Failed(Arc<str>),
    /// What was read cannot be: it was damaged.
    #[error("the store is damaged: {0}")]
    Damaged(Arc<str>),
    /// The store cannot be reached just now, or does not answer in time; nothing of the batch was
    /// done.
    #[error("store unavailable: {0}")]
    Unavailable(Arc<str>),
    /// Another process was in the way, or the connection was lost before anything was written:
    /// nothing of the batch was done, and deciding it again is worth while.
    #[error("store conflict: {0}")]
    Conflict(Arc<str>),
    /// The store was lost while it committed, and could not be asked in time whether it did. Others
    /// may go on; a retry with the same key tells.
    #[error("commit outcome unknown: {0}")]
    Unknown(Arc<str>),
}

impl StoreError {
    /// Whether the process must stop and let recovery decide.
    #[must_use]
    pub fn is_fatal(&self) -> bool {
        match self {
            Self::Failed(_) | Self::Damaged(_) => true,
            Self::Unavailable(_) | Self::Conflict(_) | Self::Unknown(_) => false,
        }
    }

    /// Whether it is certain that nothing of the batch was done.
    #[must_use]
    pub fn is_without_effect(&self) -> bool {
        match self {
            Self::Unavailable(_) | Self::Conflict(_) => true,
            Self::Failed(_) | Self::Damaged(_) | Self::Unknown(_) => false,
        }
    }
}
