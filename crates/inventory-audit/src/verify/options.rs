//! Options of a verification.

use std::path::PathBuf;

use inventory::domain::Limits;
use inventory_embedded::EmbeddedOptions;

/// How ledgers are verified.
#[derive(Debug, Clone)]
pub struct VerifyOptions {
    /// The most keys the service stores: only beyond it may a key have been deleted before its
    /// expiry.
    pub keys_max: u64,
    /// Where scratch files go; they are removed at the end.
    pub scratch: PathBuf,
    /// Entries of each of three tables that are kept in memory before they go to scratch files.
    pub memory_entries: usize,
    /// How the copy of a stopped store is opened.
    pub store: EmbeddedOptions,
}

impl Default for VerifyOptions {
    fn default() -> Self {
        Self {
            keys_max: Limits::default().keys_max,
            scratch: std::env::temp_dir(),
            memory_entries: 32_768,
            store: EmbeddedOptions::default(),
        }
    }
}
