//! The path of the control socket, and how a call on it fails.

use std::path::{Path, PathBuf};

use thiserror::Error;

/// Why the control socket could not be used.
#[derive(Debug, Error)]
#[error("control socket {}: {reason}", .path.display())]
pub struct ControlError {
    path: PathBuf,
    reason: String,
}

impl ControlError {
    pub(super) fn new(path: &Path, reason: &impl ToString) -> Self {
        Self { path: path.to_owned(), reason: reason.to_string() }
    }
}

/// Where the socket of a data directory is.
#[must_use]
pub fn socket_path(data_dir: &Path) -> PathBuf {
    data_dir.join("control.sock")
}
