//! Moving ledgers: backup, restore, and migration to a database.
//!
//! Everything a store holds follows from its ledgers. So a backup is the ledgers, and restoring is
//! applying them again, each record checked: sequence, hash chain, balance.

mod backup;
mod error;
mod manifest;
mod migrate;
mod restore;

pub use backup::backup;
pub use error::TransferError;
pub use manifest::{BACKUP_FORMAT, EventHead, Manifest};
pub use migrate::{LedgerFrom, MigrationProgress, RetryPolicy, migrate};
pub use restore::restore;
