//! How a command fails.

use std::path::PathBuf;

use inventory_audit::transfer::TransferError;
use inventory_postgres::UrlError;
use inventory_store::StoreError;
use thiserror::Error;

use crate::control::ControlError;

/// Why a command failed.
#[derive(Debug, Error)]
pub enum CommandError {
    /// The ledger could not be moved.
    #[error(transparent)]
    Transfer(#[from] TransferError),
    /// The running process did not respond.
    #[error(
        "{0} (another process has the data directory open but does not respond on the control socket; it may be starting)"
    )]
    Control(#[from] ControlError),
    /// The running process refused the command.
    #[error("{0}")]
    Refused(String),
    /// The stock is in a database, which has its own tools.
    #[error("the stock is in PostgreSQL (STORE_URL): {0}")]
    Database(&'static str),
    /// No database was named.
    #[error("no database given: set STORE_URL or --to")]
    NoDatabase,
    /// The URL is invalid.
    #[error("--to: {0}")]
    Target(#[from] UrlError),
    /// The database cannot be used.
    #[error("{0}")]
    Unavailable(StoreError),
    /// The path cannot be made absolute.
    #[error("{path}: {source}", path = .path.display())]
    Path {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}
