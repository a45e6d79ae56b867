//! The manifest of a backup.

use inventory::{EventName, Hash};
use serde::{Deserialize, Serialize};

/// The format of backups that this version writes.
pub const BACKUP_FORMAT: u32 = 1;

/// The contents of a backup: `manifest.json` beside `ledger.jsonl` with one record body per line,
/// or the last line of a single file after the same lines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The format of the backup.
    pub format: u32,
    /// The number of records.
    pub records: u64,
    /// The SHA-256 of the lines of the ledgers.
    pub sha256: Hash,
    /// Every event with its newest record.
    pub events: Vec<EventHead>,
}

/// The end of an event's ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventHead {
    /// The event.
    pub event: EventName,
    /// The `seq` of its newest record.
    pub seq: u64,
    /// The hash of that record.
    pub hash: Hash,
}

/// The last line of a backup in a single file. A file without it is incomplete.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LastLine {
    /// The contents of the lines before it.
    pub manifest: Manifest,
}
