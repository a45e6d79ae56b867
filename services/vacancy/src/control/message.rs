//! Requests and responses on the control socket: a line of JSON each.

use std::path::PathBuf;

use inventory_audit::transfer::Manifest;
use serde::{Deserialize, Serialize};

/// A request to a running process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum ControlRequest {
    /// Copy the ledgers to this directory.
    Backup {
        /// An absolute path.
        dir: PathBuf,
    },
    /// Send the ledgers as a backup in one file. Each [`ControlResponse::Chunk`] is followed by
    /// its bytes.
    StreamBackup,
    /// Replace the store by the backup at this path.
    Restore {
        /// An absolute path.
        dir: PathBuf,
    },
}

impl ControlRequest {
    /// Reads the line of a caller. Its directory is absolute: the caller's is not this process's.
    ///
    /// # Errors
    /// A message for the caller.
    pub fn parse(line: &[u8]) -> Result<Self, String> {
        // Without the library's words: they quote what was sent, which may be anything.
        let unknown = |error: serde_json::Error| {
            format!(
                "not understood, from byte {} on: expected an op (backup, restore or stream_backup), and a dir",
                error.column()
            )
        };
        let request: Self = serde_json::from_slice(line).map_err(unknown)?;
        match &request {
            Self::Backup { dir } | Self::Restore { dir } if !dir.is_absolute() => {
                Err("the directory is not absolute".to_owned())
            }
            _ => Ok(request),
        }
    }
}

/// Progress of a request, and its result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ControlResponse {
    /// Records so far.
    Records(u64),
    /// This many bytes of the backup follow the line.
    Chunk(usize),
    /// The request succeeded.
    Done {
        /// Records.
        records: u64,
        /// Events.
        events: usize,
    },
    /// The request failed, with the reason. Nothing has changed.
    Failed(String),
}

impl ControlResponse {
    /// The result of a request that moved the records of `manifest`.
    #[must_use]
    pub fn done(manifest: &Manifest) -> Self {
        Self::Done { records: manifest.records, events: manifest.events.len() }
    }
}
