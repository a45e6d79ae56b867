//! The records of a backup.

use std::{io::BufRead, path::Path};

use inventory::{Hash, ledger::Record};
use inventory_store::BoxFuture;
use sha2::{Digest, Sha256};

use super::{
    error::{FeedError, VerifyError},
    event::EventAudit,
    feed::{Entry, Feed, PAGE},
    violation::{Position, Violation, ViolationKind},
};
use crate::transfer::{EventHead, OpenBackup, TransferError, open_backup};

/// A backup.
pub struct BackupFeed {
    backup: OpenBackup,
    digest: Sha256,
    records: u64,
}

impl BackupFeed {
    /// Opens the backup at `path`.
    ///
    /// # Errors
    /// [`FeedError`] when it is incomplete or of a newer format.
    pub fn open(path: &Path) -> Result<Self, FeedError> {
        let backup = open_backup(path).map_err(|error| match error {
            TransferError::Io { path, source } => FeedError::Io { path, source },
            error => FeedError::Unreadable(error.to_string()),
        })?;
        Ok(Self { backup, digest: Sha256::new(), records: 0 })
    }

    fn page(&mut self) -> Result<Vec<Entry>, FeedError> {
        let mut entries = Vec::with_capacity(PAGE);
        while entries.len() < PAGE {
            let mut line = Vec::new();
            let OpenBackup { ledger, path, .. } = &mut self.backup;
            if ledger
                .read_until(b'\n', &mut line)
                .map_err(|source| FeedError::Io { path: path.clone(), source })?
                == 0
            {
                break;
            }
            self.records += 1;
            self.digest.update(&line);
            let number = self.records;
            let body = line.strip_suffix(b"\n").ok_or_else(|| {
                FeedError::Unreadable(format!("line {number}: it ends within a record"))
            })?;
            // Each line names its own place; the auditor checks that the place fits.
            let record = Record::from_body(body).map_err(|error| {
                FeedError::Unreadable(format!("line {number}: not a record: {error}"))
            })?;
            entries.push(Entry { event: record.event, seq: record.seq, body: body.to_vec() });
        }
        Ok(entries)
    }

    /// Compares the records with the manifest.
    ///
    /// # Errors
    /// [`VerifyError::Violation`].
    pub fn check_manifest<'a>(
        self,
        events: impl Iterator<Item = &'a EventAudit>,
    ) -> Result<(), VerifyError> {
        let wrong = |what: &str| Violation {
            at: Position::Whole("manifest"),
            kind: ViolationKind::State(what.to_owned()),
        };
        if self.records != self.backup.manifest.records {
            return Err(wrong(&format!(
                "lists {} records, found {}",
                self.backup.manifest.records, self.records
            ))
            .into());
        }
        let heads: Vec<_> = events
            .map(|event| {
                let row = event.row();
                EventHead { event: row.name, seq: row.seq, hash: row.head }
            })
            .collect();
        if heads != self.backup.manifest.events {
            return Err(wrong("its event heads differ from the ledgers").into());
        }
        if Hash::from_bytes(self.digest.finalize().into()) != self.backup.manifest.sha256 {
            return Err(wrong("the ledgers are not those it was made with").into());
        }
        Ok(())
    }
}

impl Feed for BackupFeed {
    fn next(&mut self) -> BoxFuture<'_, Result<Vec<Entry>, FeedError>> {
        Box::pin(std::future::ready(self.page()))
    }
}
