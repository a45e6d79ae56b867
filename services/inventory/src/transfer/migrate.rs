//! Moving the ledgers of an embedded store, or of a backup, to a database.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::PathBuf;

use fjall::Readable;
use sha2::{Digest, Sha256};

use super::replay::Replayer;
use super::{BACKUP_FORMAT, LedgerSource, Manifest, PROGRESS_EVERY, TransferError};
use crate::domain::EventName;
use crate::ledger::{Hash, Record};
use crate::store::postgres::Postgres;
use crate::store::{SharedReader, StoreError};

/// How many events are read from the database at once.
const PAGE: usize = 1_000;

/// Where ledgers come from.
pub enum LedgerFrom {
    /// A store that nothing else writes to meanwhile.
    Store(LedgerSource),
    /// A backup in this directory.
    Backup(PathBuf),
}

type Bodies<'a> = Box<dyn Iterator<Item = Result<Vec<u8>, TransferError>> + 'a>;

/// An event's newest record.
type Heads = HashMap<EventName, (u64, Hash)>;

impl LedgerFrom {
    /// Every record's body, those of an event in order.
    fn bodies(&self) -> Result<Bodies<'_>, TransferError> {
        match self {
            Self::Store(source) => {
                let rows = source.tables().db.snapshot().iter(&source.tables().ledger);
                Ok(Box::new(rows.map(|row| Ok(row.into_inner().map_err(StoreError::from)?.1.to_vec()))))
            }
            Self::Backup(dir) => {
                let path = dir.join("ledger.jsonl");
                let file = BufReader::with_capacity(1 << 20, File::open(&path).map_err(TransferError::io(&path))?);
                Ok(Box::new(file.split(b'\n').map(move |line| line.map_err(TransferError::io(&path)))))
            }
        }
    }

    /// Reads all of it, without writing anything: is it whole, and is it what it should be?
    fn check(&self) -> Result<Heads, TransferError> {
        let (mut heads, mut digest, mut records) = (Heads::new(), Sha256::new(), 0_u64);
        for body in self.bodies()? {
            let body = body?;
            records += 1;
            digest.update(&body);
            digest.update(b"\n");
            let record = Record::from_body(&body).map_err(|reason| super::ReplayError::Body { number: records, reason })?;
            heads.insert(record.event, (record.seq, Hash::of(&body)));
        }
        if let Self::Backup(dir) = self {
            let path = dir.join("manifest.json");
            let text = fs::read(&path).map_err(TransferError::io(&path))?;
            let manifest: Manifest =
                serde_json::from_slice(&text).map_err(|error| TransferError::Damaged(format!("manifest.json: {error}")))?;
            if manifest.format > BACKUP_FORMAT {
                return Err(TransferError::Format(manifest.format));
            }
            if manifest.records != records || manifest.sha256 != Hash::from_bytes(digest.finalize().into()) {
                return Err(TransferError::Damaged("ledger.jsonl is not the one of manifest.json".into()));
            }
        }
        Ok(heads)
    }
}

async fn heads_of(postgres: &Postgres) -> Result<Heads, TransferError> {
    let (mut heads, mut after) = (Heads::new(), None);
    loop {
        let page = postgres.reader().events(after.as_ref(), PAGE).await?;
        let Some(last) = page.last() else { return Ok(heads) };
        after = Some(last.event.name.clone());
        heads.extend(page.into_iter().map(|view| (view.event.name, (view.event.seq, view.event.head))));
    }
}

/// Applies the ledgers of `from` to the database, each record checked, and tells how many records and events there are.
///
/// What is there already is not written again, so it can be started again after it was ended anywhere. Nothing is written when the
/// database has anything that is not a beginning of these ledgers.
///
/// # Errors
/// [`TransferError::Foreign`] when the database holds something else.
pub async fn migrate(from: &LedgerFrom, postgres: &Postgres, mut progress: impl FnMut(u64)) -> Result<(u64, usize), TransferError> {
    let heads = from.check()?;
    let known = heads_of(postgres).await?;
    for (event, (seq, _)) in &known {
        if heads.get(event).is_none_or(|(end, _)| end < seq) {
            return Err(TransferError::Foreign(event.clone()));
        }
    }
    for body in from.bodies()? {
        let body = body?;
        let record = Record::from_body(&body).map_err(|reason| super::ReplayError::Body { number: 0, reason })?;
        if known.get(&record.event).is_some_and(|(seq, hash)| *seq == record.seq && *hash != Hash::of(&body)) {
            return Err(TransferError::Foreign(record.event));
        }
    }
    let mut replayer = Replayer::new(postgres.writer());
    let mut records = 0_u64;
    for body in from.bodies()? {
        let body = body?;
        records += 1;
        let record = Record::from_body(&body).map_err(|reason| super::ReplayError::Body { number: records, reason })?;
        if known.get(&record.event).is_none_or(|(seq, _)| *seq < record.seq) {
            replayer.push(&body).await?;
        }
        if records.is_multiple_of(PROGRESS_EVERY) {
            progress(records);
        }
    }
    replayer.finish().await?;
    if heads_of(postgres).await? != heads {
        return Err(TransferError::Damaged("the database does not hold what was written to it".into()));
    }
    Ok((records, heads.len()))
}
