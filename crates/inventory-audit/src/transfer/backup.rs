//! Copying the ledgers of a store, running or not, to a directory or a stream.

use std::{
    fs::{self, File},
    io::{self, BufWriter, IntoInnerError, Write},
    path::Path,
};

use inventory::Hash;
use inventory_embedded::LedgerSource;
use sha2::{Digest, Sha256};

use super::{
    error::{PROGRESS_EVERY, TransferError},
    manifest::{BACKUP_FORMAT, EventHead, LastLine, Manifest},
};

/// Bytes written at a time.
const BUFFER: usize = 1 << 20;

/// Writes a snapshot of the ledgers of `source` to `dir`, which must be new or empty. The backup is
/// complete and on disk when `manifest.json` exists.
///
/// `progress` receives the number of records so far and cancels by returning false.
///
/// # Errors
/// [`TransferError::NotEmpty`] when `dir` is not empty.
pub fn backup(
    source: &LedgerSource,
    dir: &Path,
    mut progress: impl FnMut(u64) -> bool,
) -> Result<Manifest, TransferError> {
    fs::create_dir_all(dir).map_err(TransferError::io(dir))?;
    // The root of a new volume contains this folder.
    let occupied = fs::read_dir(dir)
        .map_err(TransferError::io(dir))?
        .flatten()
        .any(|entry| entry.file_name() != "lost+found");
    if occupied {
        return Err(TransferError::NotEmpty(dir.to_owned()));
    }
    let ledger = dir.join("ledger.jsonl");
    let manifest = write_file(source, &ledger, &mut progress)
        .inspect_err(|_| drop(fs::remove_file(&ledger)))?;
    let path = dir.join("manifest.json");
    let text = serde_json::to_vec_pretty(&manifest)
        .map_err(|error| TransferError::Damaged(error.to_string()))?;
    let written = File::create(&path)
        .and_then(|mut file| file.write_all(&text).and_then(|()| file.sync_all()));
    written.map_err(TransferError::io(&path))?;
    let parent = std::path::absolute(dir).ok().and_then(|dir| dir.parent().map(Path::to_owned));
    for folder in [Some(dir.to_owned()), parent].into_iter().flatten() {
        File::open(&folder)
            .and_then(|folder| folder.sync_all())
            .map_err(TransferError::io(&folder))?;
    }
    Ok(manifest)
}

/// Writes a snapshot of the ledgers of `source` to `target` as one file: the records, then a line
/// with the manifest. Without that line a reader refuses the file.
///
/// `progress` receives the number of records so far and cancels by returning false.
///
/// # Errors
/// [`TransferError::Stream`] when `target` cannot be written.
pub fn backup_to(
    source: &LedgerSource,
    target: &mut impl Write,
    mut progress: impl FnMut(u64) -> bool,
) -> Result<Manifest, TransferError> {
    let mut target = BufWriter::with_capacity(BUFFER, target);
    let manifest = write_ledgers(source, &mut target, TransferError::Stream, &mut progress)?;
    let line = LastLine { manifest };
    serde_json::to_writer(&mut target, &line)
        .map_err(|error| TransferError::Stream(error.into()))?;
    target.write_all(b"\n").and_then(|()| target.flush()).map_err(TransferError::Stream)?;
    Ok(line.manifest)
}

fn write_file(
    source: &LedgerSource,
    path: &Path,
    progress: &mut impl FnMut(u64) -> bool,
) -> Result<Manifest, TransferError> {
    let io = |error| TransferError::Io { path: path.to_owned(), source: error };
    let mut file = BufWriter::with_capacity(BUFFER, File::create(path).map_err(io)?);
    let manifest = write_ledgers(source, &mut file, io, progress)?;
    file.into_inner()
        .map_err(IntoInnerError::into_error)
        .and_then(|file| file.sync_all())
        .map_err(io)?;
    Ok(manifest)
}

fn write_ledgers(
    source: &LedgerSource,
    target: &mut impl Write,
    io: impl Fn(io::Error) -> TransferError,
    progress: &mut impl FnMut(u64) -> bool,
) -> Result<Manifest, TransferError> {
    let mut digest = Sha256::new();
    let mut manifest =
        Manifest { format: BACKUP_FORMAT, records: 0, sha256: Hash::ZERO, events: Vec::new() };
    for record in source.records() {
        let (event, seq, body) = record?;
        digest.update(&body);
        digest.update(b"\n");
        target.write_all(&body).and_then(|()| target.write_all(b"\n")).map_err(&io)?;
        let head = EventHead { event, seq, hash: Hash::of(&body) };
        match manifest.events.last_mut().filter(|last| last.event == head.event) {
            Some(last) => *last = head,
            None => manifest.events.push(head),
        }
        manifest.records += 1;
        if manifest.records.is_multiple_of(PROGRESS_EVERY) && !progress(manifest.records) {
            return Err(TransferError::Cancelled);
        }
    }
    manifest.sha256 = Hash::from_bytes(digest.finalize().into());
    if !progress(manifest.records) {
        return Err(TransferError::Cancelled);
    }
    Ok(manifest)
}
