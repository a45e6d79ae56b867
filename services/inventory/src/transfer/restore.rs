//! Making a store from a backup, and the state of a store from its ledgers.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader},
    path::Path,
};

use sha2::{Digest, Sha256};

use super::{BACKUP_FORMAT, EventHead, Manifest, PROGRESS_EVERY, TransferError, replay::Replayer};
use crate::{
    ledger::Hash,
    store::{EmbeddedOptions, EmbeddedStore, OwnedStore, StagedRestore, StoreError, Tables},
};

/// Builds a store in `staged` from the backup in `dir`, checking every record. It is used only once
/// it is accepted.
///
/// Takes about 20 µs a record; call it from a thread that may block. `progress` hears of the
/// records so far, and ends it by returning false.
///
/// # Errors
/// [`TransferError`] when the backup is incomplete, altered, or of a newer format.
pub fn restore(
    dir: &Path,
    staged: &StagedRestore,
    options: &EmbeddedOptions,
    mut progress: impl FnMut(u64) -> bool,
) -> Result<Manifest, TransferError> {
    let path = dir.join("manifest.json");
    let text = fs::read(&path).map_err(TransferError::io(&path))?;
    let manifest: Manifest = serde_json::from_slice(&text)
        .map_err(|error| TransferError::Damaged(format!("manifest.json: {error}")))?;
    if manifest.format > BACKUP_FORMAT {
        return Err(TransferError::Format(manifest.format));
    }
    let tables = Tables::open(&staged.tables(), options)?;
    let replayer = Replayer::new(EmbeddedStore::over(tables.clone(), options)?);
    let heads =
        block_on(read_ledgers(&dir.join("ledger.jsonl"), &manifest, replayer, &mut progress))?;
    if heads != manifest.events {
        return Err(TransferError::Damaged(
            "the events of ledger.jsonl are not those of manifest.json".into(),
        ));
    }
    tables.db.persist(fjall::PersistMode::SyncAll).map_err(StoreError::from)?;
    drop(tables);
    staged.dir().seal()?;
    Ok(manifest)
}

async fn read_ledgers(
    path: &Path,
    manifest: &Manifest,
    mut replayer: Replayer<EmbeddedStore>,
    progress: &mut impl FnMut(u64) -> bool,
) -> Result<Vec<EventHead>, TransferError> {
    let mut file =
        BufReader::with_capacity(1 << 20, File::open(path).map_err(TransferError::io(path))?);
    let mut digest = Sha256::new();
    let mut line = Vec::new();
    loop {
        line.clear();
        if file.read_until(b'\n', &mut line).map_err(TransferError::io(path))? == 0 {
            break;
        }
        digest.update(&line);
        let body = line
            .strip_suffix(b"\n")
            .ok_or_else(|| TransferError::Damaged("ledger.jsonl ends within a record".into()))?;
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
        return Err(TransferError::Damaged("ledger.jsonl is not the one of manifest.json".into()));
    }
    Ok(store
        .views()
        .into_iter()
        .map(|view| EventHead {
            event: view.event.name,
            seq: view.event.seq,
            hash: view.event.head,
        })
        .collect())
}

/// Throws away what follows from the ledgers and derives it again.
///
/// # Errors
/// [`TransferError`] when a ledger is not whole.
pub(crate) fn rebuild_state(
    tables: &Tables,
    options: &EmbeddedOptions,
) -> Result<u64, TransferError> {
    for table in tables.derived() {
        table.clear().map_err(StoreError::from)?;
    }
    let mut replayer = Replayer::new(EmbeddedStore::over(tables.clone(), options)?);
    let ledger = tables.ledger.clone();
    let count = block_on(async move {
        for row in ledger.iter() {
            replayer.push(&row.value().map_err(StoreError::from)?).await?;
        }
        Ok::<_, TransferError>(replayer.finish().await?.1)
    })?;
    tables.db.persist(fjall::PersistMode::SyncAll).map_err(StoreError::from)?;
    Ok(count)
}

/// Runs a future of the embedded store: it never waits for anything but the disk, so it needs no
/// runtime.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    loop {
        if let std::task::Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
    }
}
