//! Where records come from, event by event and in order.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    sync::Arc,
};

use inventory::{Hash, domain::EventName, ledger::Record};
use inventory_embedded::{Tables, rows::parse_ledger_key};
use inventory_store::{BoxFuture, Reader};
use sha2::{Digest, Sha256};
use thiserror::Error;

use super::{Broken, EventAudit, Position, VerifyError, Violation};
use crate::transfer::{BACKUP_FORMAT, EventHead, Manifest};

/// How many records are read at once.
const PAGE: usize = 1_000;

/// A record as it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The event in whose ledger it was found.
    pub event: EventName,
    /// The place where it was found.
    pub seq: u64,
    /// Its body.
    pub body: Vec<u8>,
}

/// Why records cannot be read.
#[derive(Debug, Error)]
pub enum FeedError {
    /// A file of them cannot be read.
    #[error("{path}: {source}", path = .path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Whoever keeps them did not give them.
    #[error("{0}")]
    Unreadable(String),
}

/// Yields every record of every event: the events one after the other, their records in order.
pub trait Feed: Send {
    /// The next few; none is the end.
    fn next(&mut self) -> BoxFuture<'_, Result<Vec<Entry>, FeedError>>;
}

/// Any store, through its reader.
pub struct ReaderFeed {
    reader: Arc<dyn Reader>,
    events: std::vec::IntoIter<EventName>,
    at: Option<(EventName, u64)>,
}

impl ReaderFeed {
    /// The ledgers of `events`.
    #[must_use]
    pub fn new(reader: Arc<dyn Reader>, events: Vec<EventName>) -> Self {
        Self { reader, events: events.into_iter(), at: None }
    }
}

impl Feed for ReaderFeed {
    fn next(&mut self) -> BoxFuture<'_, Result<Vec<Entry>, FeedError>> {
        Box::pin(async move {
            loop {
                let Some((event, after)) =
                    self.at.take().or_else(|| Some((self.events.next()?, 0)))
                else {
                    return Ok(Vec::new());
                };
                let records = self.reader.records(&event, after, PAGE).await?;
                let Some(last) = records.last().map(|record| record.seq) else { continue };
                let entries = records.into_iter().map(|record| Entry {
                    event: event.clone(),
                    seq: record.seq,
                    body: record.body,
                });
                let entries = entries.collect();
                self.at = Some((event, last));
                return Ok(entries);
            }
        })
    }
}

/// The table of an embedded store, as it lies there: also records of events that no other table
/// knows.
pub(super) struct TableFeed {
    tables: Tables,
    from: Vec<u8>,
}

impl TableFeed {
    pub fn new(tables: Tables) -> Self {
        Self { tables, from: Vec::new() }
    }

    fn page(&mut self) -> Result<Vec<Entry>, FeedError> {
        let unreadable = |error: fjall::Error| {
            FeedError::Unreadable(format!("the ledger cannot be read: {error}"))
        };
        let mut entries = Vec::with_capacity(PAGE);
        for row in self.tables.ledger.range(self.from.clone()..).take(PAGE) {
            let (key, body) = row.into_inner().map_err(unreadable)?;
            let (event, seq) = parse_ledger_key(&key)
                .ok_or_else(|| FeedError::Unreadable("a key of the ledger is none".into()))?;
            entries.push(Entry { event, seq, body: body.to_vec() });
            self.from = [&key[..], &[0]].concat();
        }
        Ok(entries)
    }
}

impl Feed for TableFeed {
    fn next(&mut self) -> BoxFuture<'_, Result<Vec<Entry>, FeedError>> {
        Box::pin(std::future::ready(self.page()))
    }
}

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
                "the backup has format {}, and this version knows only up to {BACKUP_FORMAT}",
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
            // A line's place is what it says of itself; the auditor checks that it fits.
            let record = Record::from_body(body).map_err(|error| {
                FeedError::Unreadable(format!("line {number}: not a record: {error}"))
            })?;
            entries.push(Entry { event: record.event, seq: record.seq, body: body.to_vec() });
        }
        Ok(entries)
    }

    /// Compares what was read with the manifest.
    ///
    /// # Errors
    /// [`VerifyError::Violation`].
    pub fn check_manifest<'a>(
        self,
        events: impl Iterator<Item = &'a EventAudit>,
    ) -> Result<(), VerifyError> {
        let wrong = |what: &str| Violation {
            at: Position::Whole("manifest.json"),
            what: Broken::State(what.to_owned()),
        };
        if self.records != self.manifest.records {
            return Err(wrong(&format!(
                "it lists {} records, and there are {}",
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
            return Err(wrong("its events do not end where the ledgers end").into());
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
