//! Errors of a reconciliation.

use crate::{build::BuildError, observe::error_message};

/// Why a reconciliation failed and is retried.
#[derive(Debug, thiserror::Error)]
pub enum ReconcileError {
    #[error("API server: {}", error_message(.0))]
    Api(#[from] kube::Error),
    #[error("timed out after {0} s")]
    Timeout(u64),
    #[error("the API server rejected {0}")]
    Rejected(String),
    #[error(transparent)]
    Build(#[from] BuildError),
}
