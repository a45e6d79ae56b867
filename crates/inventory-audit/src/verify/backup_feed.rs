//! The records of a backup.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
};

use inventory::{Hash, ledger::Record};
use inventory_store::BoxFuture;
use sha2::{Digest, Sha256};

use super::{
    error::{FeedError, VerifyError},
    event::EventAudit,
    feed::{Entry, Feed, PAGE},
    violation::{Position, Violation, ViolationKind},
};
use crate::transfer::{BACKUP_FORMAT, EventHead, Manifest};

/// A backup directory.
pub struct BackupFeed {
    file: BufReader<File>,
    path: PathBuf,
    manifest: Manifest,
    digest: Sha256,
    records: u64,
}

impl BackupFeed {
    /// Opens the backup in `dir`.
    ///
    /// # Errors
    /// [`FeedError`] when it is incomplete or of a newer format.
    pub fn open(dir: &Path) -> Result<Self, FeedError> {
        let io = |path: &Path| {
            let path = path.to_owned();
            move |source| FeedError::Io { path, source }
        };
        let manifest_path = dir.join("manifest.json");
        let text = fs::read(&manifest_path).map_err(io(&manifest_path))?;
        let manifest: Manifest = serde_json::from_slice(&text)
            .map_err(|error| FeedError::Unreadable(format!("manifest.json: {error}")))?;
        if manifest.format > BACKUP_FORMAT {
            return Err(FeedError::Unreadable(format!(
                "the backup has format {}, and this version supports formats up to {BACKUP_FORMAT}",
                manifest.format
            )));
        }
        let path = dir.join("ledger.jsonl");
        let file = BufReader::with_capacity(1 << 20, File::open(&path).map_err(io(&path))?);
        Ok(Self { file, path, manifest, digest: Sha256::new(), records: 0 })
    }

    fn page(&mut self) -> Result<Vec<Entry>, FeedError> {
        let mut entries = Vec::with_capacity(PAGE);
        while entries.len() < PAGE {
            let mut line = Vec::new();
            if self
                .file
                .read_until(b'\n', &mut line)
                .map_err(|source| FeedError::Io { path: self.path.clone(), source })?
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
            at: Position::Whole("manifest.json"),
            kind: ViolationKind::State(what.to_owned()),
        };
        if self.records != self.manifest.records {
            return Err(wrong(&format!(
                "lists {} records, found {}",
                self.manifest.records, self.records
            ))
            .into());
        }
        let heads: Vec<_> = events
            .map(|event| {
                let row = event.row();
                EventHead { event: row.name, seq: row.seq, hash: row.head }
            })
            .collect();
        if heads != self.manifest.events {
            return Err(wrong("its event heads differ from the ledgers").into());
        }
        if Hash::from_bytes(self.digest.finalize().into()) != self.manifest.sha256 {
            return Err(wrong("ledger.jsonl is not the file it was made with").into());
        }
        Ok(())
    }
}

impl Feed for BackupFeed {
    fn next(&mut self) -> BoxFuture<'_, Result<Vec<Entry>, FeedError>> {
        Box::pin(std::future::ready(self.page()))
    }
}
