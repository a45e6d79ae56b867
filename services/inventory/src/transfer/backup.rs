//! Copying the ledgers of a store, running or not, to a directory.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;

use fjall::Readable;
use sha2::{Digest, Sha256};

use super::{BACKUP_FORMAT, EventHead, Manifest, TransferError};
use crate::ledger::Hash;
use crate::store::{StoreError, Tables, parse_ledger_key};

/// How often progress is told, records.
const PROGRESS_EVERY: u64 = 50_000;

/// Where the ledgers of an embedded store can be read from while it runs.
#[derive(Clone)]
pub struct LedgerSource(Tables);

impl LedgerSource {
    pub(crate) fn new(tables: Tables) -> Self {
        Self(tables)
    }
}

/// Writes the ledgers of `source`, as they are at this moment, to `dir`. It appears there only when it is complete and synced.
///
/// # Errors
/// [`TransferError::NotEmpty`] when something is there already.
pub fn backup(source: &LedgerSource, dir: &Path, mut progress: impl FnMut(u64)) -> Result<Manifest, TransferError> {
    if fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(TransferError::NotEmpty(dir.to_owned()));
    }
    let mut partial = dir.as_os_str().to_owned();
    partial.push(".partial");
    let partial = Path::new(&partial);
    let _ = fs::remove_dir_all(partial);
    fs::create_dir_all(partial).map_err(TransferError::io(partial))?;
    let manifest = write_ledgers(source, &partial.join("ledger.jsonl"), &mut progress)?;
    let path = partial.join("manifest.json");
    let text = serde_json::to_vec_pretty(&manifest).map_err(|error| TransferError::Damaged(error.to_string()))?;
    let written = File::create(&path).and_then(|mut file| file.write_all(&text).and_then(|()| file.sync_all()));
    written.map_err(TransferError::io(&path))?;
    let moved = File::open(partial).and_then(|folder| folder.sync_all()).and_then(|()| fs::rename(partial, dir));
    moved.map_err(TransferError::io(dir))?;
    Ok(manifest)
}

fn write_ledgers(source: &LedgerSource, path: &Path, progress: &mut impl FnMut(u64)) -> Result<Manifest, TransferError> {
    let io = |error| TransferError::Io { path: path.to_owned(), source: error };
    let mut file = BufWriter::with_capacity(1 << 20, File::create(path).map_err(io)?);
    let mut digest = Sha256::new();
    let mut manifest = Manifest { format: BACKUP_FORMAT, records: 0, sha256: Hash::ZERO, events: Vec::new() };
    // A snapshot: what is committed meanwhile is not in it, and every ledger in it is whole up to its head.
    let snapshot = source.0.db.snapshot();
    for row in snapshot.iter(&source.0.ledger) {
        let (key, body) = row.into_inner().map_err(StoreError::from)?;
        let (event, seq) = parse_ledger_key(&key).ok_or_else(|| StoreError::Damaged("a key of the ledger".into()))?;
        digest.update(&body);
        digest.update(b"\n");
        file.write_all(&body).and_then(|()| file.write_all(b"\n")).map_err(io)?;
        let head = EventHead { event, seq, hash: Hash::of(&body) };
        match manifest.events.last_mut().filter(|last| last.event == head.event) {
            Some(last) => *last = head,
            None => manifest.events.push(head),
        }
        manifest.records += 1;
        if manifest.records.is_multiple_of(PROGRESS_EVERY) {
            progress(manifest.records);
        }
    }
    let file = file.into_inner().map_err(|error| io(error.into_error()))?;
    file.sync_all().map_err(io)?;
    manifest.sha256 = Hash::from_bytes(digest.finalize().into());
    progress(manifest.records);
    Ok(manifest)
}
