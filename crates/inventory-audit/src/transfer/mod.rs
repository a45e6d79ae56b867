//! Backup, restore, and migration to a database.
//!
//! All state follows from the ledgers. A backup is therefore a copy of the ledgers, and a restore
//! applies them again and checks the sequence, hash chain and balance of each record.

mod backup;
mod error;
mod manifest;
mod migrate;
mod open;
mod restore;

pub use backup::{backup, backup_to};
pub use error::TransferError;
pub use manifest::{EventHead, Manifest};
pub use migrate::{LedgerFrom, MigrationProgress, RetryPolicy, migrate};
pub use open::{OpenBackup, open_backup};
pub use restore::restore;
