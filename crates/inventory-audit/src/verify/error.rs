//! Errors of a verification.

use std::path::PathBuf;

use inventory_embedded::DataDirError;
use inventory_store::StoreError;
use thiserror::Error;

use super::violation::Violation;

/// Why a verification failed.
#[derive(Debug, Error)]
pub enum VerifyError {
    /// A rule is broken, and where.
    #[error(transparent)]
    Violation(#[from] Violation),
    /// The records cannot be read.
    #[error(transparent)]
    Feed(#[from] FeedError),
    /// The data directory cannot be used.
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    /// Scratch files cannot be written or read.
    #[error("scratch files: {0}")]
    Scratch(String),
}

/// Why records cannot be read.
#[derive(Debug, Error)]
pub enum FeedError {
    /// A file of them cannot be read.
    #[error("{path}: {source}", path = .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// The source returned an error.
    #[error("{0}")]
    Unreadable(String),
}

impl From<StoreError> for FeedError {
    fn from(error: StoreError) -> Self {
        Self::Unreadable(error.to_string())
    }
}
