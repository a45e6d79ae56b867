//! Moving the ledgers of an embedded store, or of a backup, to a database.

use std::{
    collections::HashMap,
    fs::{self, File},
    io::{BufRead, BufReader},
    path::PathBuf,
    time::Duration,
};

use inventory::{Hash, domain::EventName, ledger::Record};
use inventory_embedded::LedgerSource;
use inventory_postgres::Postgres;
use inventory_store::{ReplayError, Replayer, SharedReader};
use sha2::{Digest, Sha256};

use super::{
    error::{PROGRESS_EVERY, TransferError},
    manifest::{BACKUP_FORMAT, Manifest},
};

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
            Self::Store(source) => Ok(Box::new(source.records().map(|record| Ok(record?.2)))),
            Self::Backup(dir) => {
                let path = dir.join("ledger.jsonl");
                let file = BufReader::with_capacity(
                    1 << 20,
                    File::open(&path).map_err(TransferError::io(&path))?,
                );
                Ok(Box::new(
                    file.split(b'\n').map(move |line| line.map_err(TransferError::io(&path))),
                ))
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
            let record = Record::from_body(&body)
                .map_err(|reason| ReplayError::Body { number: records, reason })?;
            heads.insert(record.event, (record.seq, Hash::of(&body)));
        }
        if let Self::Backup(dir) = self {
            let path = dir.join("manifest.json");
            let text = fs::read(&path).map_err(TransferError::io(&path))?;
            let manifest: Manifest = serde_json::from_slice(&text)
                .map_err(|error| TransferError::Damaged(format!("manifest.json: {error}")))?;
            if manifest.format > BACKUP_FORMAT {
                return Err(TransferError::Format(manifest.format));
            }
            if manifest.records != records
                || manifest.sha256 != Hash::from_bytes(digest.finalize().into())
            {
                return Err(TransferError::Damaged(
                    "ledger.jsonl is not the one of manifest.json".into(),
                ));
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
        heads.extend(
            page.into_iter().map(|view| (view.event.name, (view.event.seq, view.event.head))),
        );
    }
}

/// How often a database that is lost on the way is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Tries after which nothing more had been written, one after the other.
    pub tries_max: u32,
    /// The pause before the first of them; each pause is twice the one before.
    pub pause: Duration,
    /// The longest pause.
    pub pause_max: Duration,
}

impl Default for RetryPolicy {
    /// Half a minute altogether: longer than a failover takes.
    fn default() -> Self {
        Self { tries_max: 8, pause: Duration::from_millis(250), pause_max: Duration::from_secs(8) }
    }
}

impl RetryPolicy {
    fn pause(&self, tries: u32) -> Duration {
        self.pause.saturating_mul(2_u32.saturating_pow(tries.saturating_sub(1))).min(self.pause_max)
    }
}

/// What is told of a move while it goes on.
#[derive(Debug)]
pub enum MigrationProgress<'a> {
    /// So many records are moved, or were there already.
    Records(u64),
    /// The database was lost; after the pause it is tried again from where it is.
    Lost(&'a TransferError, Duration),
}

/// Applies the ledgers of `from` to the database, each record checked, and tells how many records
/// and events there are.
///
/// What is there already is not written again, so it can be started again after it was ended
/// anywhere; a lost connection is such an end, after which it starts again by itself. Nothing is
/// written when the database has anything that is not a beginning of these ledgers.
///
/// # Errors
/// [`TransferError::Foreign`] when the database holds something else; [`TransferError::Store`] when
/// it was lost more often than `retry` bears.
pub async fn migrate(
    from: &LedgerFrom,
    postgres: &Postgres,
    retry: &RetryPolicy,
    mut tell: impl FnMut(MigrationProgress<'_>),
) -> Result<(u64, usize), TransferError> {
    let heads = from.check()?;
    let (mut tries, mut reached) = (0, 0);
    loop {
        let mut written = 0;
        let error = match bring(from, &heads, postgres, &mut written, &mut tell).await {
            Ok(records) => return Ok((records, heads.len())),
            // What was sent with a commit whose answer was lost may be there only now; reading
            // again tells.
            Err(error) if is_lost(&error) || (tries > 0 && is_out_of_step(&error)) => error,
            Err(error) => return Err(error),
        };
        tries = if written > reached { 1 } else { tries + 1 };
        reached = reached.max(written);
        if tries > retry.tries_max {
            return Err(error);
        }
        let pause = retry.pause(tries);
        tell(MigrationProgress::Lost(&error, pause));
        tokio::time::sleep(pause).await;
        postgres.ready(pause).await;
    }
}

fn is_lost(error: &TransferError) -> bool {
    match error {
        TransferError::Store(error) | TransferError::Replay(ReplayError::Store(error)) => {
            !error.is_fatal()
        }
        _ => false,
    }
}

fn is_out_of_step(error: &TransferError) -> bool {
    matches!(error, TransferError::Replay(ReplayError::Record { .. }))
}

/// Writes what the database does not have yet; `written` is how far into the ledgers it came.
async fn bring(
    from: &LedgerFrom,
    heads: &Heads,
    postgres: &Postgres,
    written: &mut u64,
    tell: &mut impl FnMut(MigrationProgress<'_>),
) -> Result<u64, TransferError> {
    let known = heads_of(postgres).await?;
    check_beginning(from, heads, &known)?;
    let mut replayer = Replayer::new(postgres.writer());
    let mut records = 0_u64;
    for body in from.bodies()? {
        let body = body?;
        records += 1;
        let record = Record::from_body(&body)
            .map_err(|reason| ReplayError::Body { number: records, reason })?;
        if known.get(&record.event).is_none_or(|(seq, _)| *seq < record.seq) {
            replayer.push(&body).await?;
        }
        *written = records;
        if records.is_multiple_of(PROGRESS_EVERY) {
            tell(MigrationProgress::Records(records));
        }
    }
    replayer.finish().await?;
    if heads_of(postgres).await? != *heads {
        return Err(TransferError::Damaged(
            "the database does not hold what was written to it".into(),
        ));
    }
    Ok(records)
}

/// Whether what the database has is a beginning of these ledgers.
fn check_beginning(from: &LedgerFrom, heads: &Heads, known: &Heads) -> Result<(), TransferError> {
    for (event, (seq, _)) in known {
        if heads.get(event).is_none_or(|(end, _)| end < seq) {
            return Err(TransferError::Foreign(event.clone()));
        }
    }
    for (body, number) in from.bodies()?.zip(1_u64..) {
        let body = body?;
        let record =
            Record::from_body(&body).map_err(|reason| ReplayError::Body { number, reason })?;
        if known
            .get(&record.event)
            .is_some_and(|(seq, hash)| *seq == record.seq && *hash != Hash::of(&body))
        {
            return Err(TransferError::Foreign(record.event));
        }
    }
    Ok(())
}
