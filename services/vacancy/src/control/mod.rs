//! The control socket: how `backup` and `restore` reach a process that has the store open.
//!
//! It lies in the data directory, so who may read the data may use it. A caller sends one line of
//! JSON, and gets lines of JSON back: progress, then the end.

mod client;
mod server;

use std::path::{Path, PathBuf};

pub use client::ask;
use inventory_audit::transfer::Manifest;
use serde::{Deserialize, Serialize};
pub use server::{Control, Restored};
use thiserror::Error;

/// What can be asked of a running process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum Ask {
    /// Copy the ledgers to this directory.
    Backup {
        /// Absolute.
        dir: PathBuf,
    },
    /// Take the place of the store with what is in this directory.
    Restore {
        /// Absolute.
        dir: PathBuf,
    },
}

impl Ask {
    /// Reads the line of a caller. Its directory is absolute: the caller's is not this process's.
    ///
    /// # Errors
    /// What is wrong with it, for the caller.
    pub fn parse(line: &[u8]) -> Result<Self, String> {
        // Without the library's words: they quote what was sent, which may be anything.
        let unknown = |error: serde_json::Error| {
            format!(
                "not understood, from byte {} on: expected an op, backup or restore, and a dir",
                error.column()
            )
        };
        let ask: Self = serde_json::from_slice(line).map_err(unknown)?;
        let (Self::Backup { dir } | Self::Restore { dir }) = &ask;
        if dir.is_absolute() { Ok(ask) } else { Err("the directory is not absolute".to_owned()) }
    }
}

/// What is told while it is done, and at its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Told {
    /// So many records so far.
    Records(u64),
    /// Done, with so many records of so many events.
    Done {
        /// Records.
        records: u64,
        /// Events.
        events: usize,
    },
    /// Not done, and why. Nothing has changed.
    Failed(String),
}

impl Told {
    /// Done with what `manifest` lists.
    #[must_use]
    pub fn done(manifest: &Manifest) -> Self {
        Self::Done { records: manifest.records, events: manifest.events.len() }
    }
}

/// Why the control socket could not be used.
#[derive(Debug, Error)]
#[error("control socket {}: {reason}", .path.display())]
pub struct ControlError {
    path: PathBuf,
    reason: String,
}

impl ControlError {
    fn new(path: &Path, reason: &impl ToString) -> Self {
        Self { path: path.to_owned(), reason: reason.to_string() }
    }
}

/// Where the socket of a data directory is.
#[must_use]
pub fn socket_path(data_dir: &Path) -> PathBuf {
    data_dir.join("control.sock")
}
