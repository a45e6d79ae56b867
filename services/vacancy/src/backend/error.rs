//! Why a stock backend does not open.

use std::io;

use inventory_embedded::DataDirError;
use thiserror::Error;
use vacancy_api::DEFAULT_EVENT;

/// Why the stock backend did not open.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The store cannot be opened.
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    /// The store's files make no sense.
    #[error("the store cannot be opened, its files are damaged: {0}. Restore a backup")]
    Damaged(String),
    /// The committer cannot be started.
    #[error("the committer cannot be started: {0}")]
    Committer(io::Error),
    /// The default event cannot be created.
    #[error("event '{DEFAULT_EVENT}' cannot be created: {0}")]
    DefaultEvent(String),
}
