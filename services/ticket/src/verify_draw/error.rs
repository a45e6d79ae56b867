//! Why a draw cannot be checked.

use std::path::PathBuf;

use thiserror::Error;

use super::{place::PlaceError, service::ServiceError};

/// Why it cannot be told whether a draw is in order.
#[derive(Debug, Error)]
pub enum VerifyDrawError {
    /// An argument is missing.
    #[error("a URL needs --event NAME")]
    NoEvent,
    /// An argument is of no use.
    #[error("{0} needs a URL")]
    NeedsUrl(&'static str),
    /// The token is unusable.
    #[error("--admin-token-file: {0}")]
    Token(String),
    /// The place is unusable.
    #[error("--place: {0}")]
    Place(#[from] PlaceError),
    /// A call failed.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// The file cannot be read.
    #[error("{}: {why}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The reason.
        why: String,
    },
    /// There is nothing to check.
    #[error("{0}")]
    Nothing(String),
}
