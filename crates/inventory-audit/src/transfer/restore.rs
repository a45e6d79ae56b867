//! Builds a store from a backup.

use std::{io::BufRead, path::Path};

use inventory::Hash;
use inventory_embedded::{EmbeddedOptions, EmbeddedStore, StagedRestore};
use inventory_store::{OwnedStore, Replayer, block_on};
use sha2::{Digest, Sha256};

use super::{
    error::{PROGRESS_EVERY, TransferError},
    manifest::{EventHead, Manifest},
    open::{OpenBackup, open_backup},
};

/// Builds a store in `staged` from the backup at `path`, checking every record. The store is used
/// only after it is accepted.
///
/// Takes about 20 µs a record; call it from a thread that may block. `progress` receives the number
/// of records so far and cancels by returning false.
///
/// # Errors
/// [`TransferError`] when the backup is incomplete, altered, or of a newer format.
pub fn restore(
    path: &Path,
    staged: &StagedRestore,
    options: &EmbeddedOptions,
    mut progress: impl FnMut(u64) -> bool,
) -> Result<Manifest, TransferError> {
    let mut backup = open_backup(path)?;
    let replayer = Replayer::new(staged.open(options)?);
    let (store, heads) = block_on(read_ledgers(&mut backup, replayer, &mut progress))?;
    if heads != backup.manifest.events {
        return Err(TransferError::Damaged("its events are not those of its manifest".into()));
    }
    staged.seal(store)?;
    Ok(backup.manifest)
}

async fn read_ledgers(
    OpenBackup { ledger, path, manifest }: &mut OpenBackup,
    mut replayer: Replayer<EmbeddedStore>,
    progress: &mut impl FnMut(u64) -> bool,
) -> Result<(EmbeddedStore, Vec<EventHead>), TransferError> {
    let mut digest = Sha256::new();
    let mut line = Vec::new();
    loop {
        line.clear();
        if ledger.read_until(b'\n', &mut line).map_err(TransferError::io(&*path))? == 0 {
            break;
        }
        digest.update(&line);
        let body = line
            .strip_suffix(b"\n")
            .ok_or_else(|| TransferError::Damaged("it ends within a record".into()))?;
        replayer.push(body).await?;
        if replayer.count().is_multiple_of(PROGRESS_EVERY) && !progress(replayer.count()) {
            return Err(TransferError::Cancelled);
        }
    }
    let (store, count) = replayer.finish().await?;
    if !progress(count) {
        return Err(TransferError::Cancelled);
    }
    if count != manifest.records || Hash::from_bytes(digest.finalize().into()) != manifest.sha256 {
        return Err(TransferError::Damaged("its records are not those of its manifest".into()));
    }
    let heads = store.views().into_iter().map(|view| EventHead {
        event: view.event.name,
        seq: view.event.seq,
        hash: view.event.head,
    });
    let heads = heads.collect();
    Ok((store, heads))
}
