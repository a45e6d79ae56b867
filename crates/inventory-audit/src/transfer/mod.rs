//! Backup, restore, and migration to a database.
//!
//! All state follows from the ledgers. A backup is therefore a copy of the ledgers, and a restore
//! applies them again and checks the sequence, hash chain and balance of each record.

mod backup;
mod error;
mod manifest;
mod migrate;
mod read_manifest;
mod restore;

pub use backup::backup;
pub use error::TransferError;
pub use manifest::{BACKUP_FORMAT, EventHead, Manifest};
pub use migrate::{LedgerFrom, MigrationProgress, RetryPolicy, migrate};
pub use restore::restore;
