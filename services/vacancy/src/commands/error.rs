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
    /// The running process could not be asked.
    #[error(
        "{0} (a process has the data directory open, but does not answer there: it may be starting)"
    )]
    Control(#[from] ControlError),
    /// The running process said no.
    #[error("{0}")]
    Refused(String),
    /// The stock is in a database, which has ways of its own.
    #[error("the stock is in PostgreSQL (STORE_URL): {0}")]
    Database(&'static str),
    /// No database was named.
    #[error("name the database: STORE_URL, or --to")]
    NoDatabase,
    /// What was named is no database.
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
