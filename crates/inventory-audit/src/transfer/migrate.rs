//! Migrates the ledgers of an embedded store or a backup to a database.

use std::{collections::HashMap, io::BufRead, path::PathBuf, time::Duration};

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use inventory::{Hash, domain::EventName, ledger::Record};
use inventory_embedded::LedgerSource;
use inventory_postgres::Postgres;
use inventory_store::{ReplayError, Replayer, SharedReader};
use sha2::{Digest, Sha256};

use super::{
    error::{PROGRESS_EVERY, TransferError},
    open::open_backup,
};

/// Events per read from the database.
const PAGE: usize = 1_000;

/// The source of a migration.
pub enum LedgerFrom {
    /// A store without another writer.
    Store(LedgerSource),
    /// The backup at this path.
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
            Self::Backup(path) => {
                let backup = open_backup(path)?;
                let lines = backup.ledger.split(b'\n');
                Ok(Box::new(lines.map(move |line| line.map_err(TransferError::io(&backup.path)))))
            }
        }
    }

    /// Reads and checks all of the source. Writes nothing.
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
        if let Self::Backup(path) = self {
            let manifest = open_backup(path)?.manifest;
            if manifest.records != records
                || manifest.sha256 != Hash::from_bytes(digest.finalize().into())
            {
                return Err(TransferError::Damaged(
                    "its records are not those of its manifest".into(),
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

/// Retries after the connection to the database is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Consecutive retries without progress before the migration fails.
    pub tries_max: u32,
    /// The pause before the first retry; it doubles with each further one.
    pub pause: Duration,
    /// The longest pause.
    pub pause_max: Duration,
}

impl Default for RetryPolicy {
    /// About 30 s in all: longer than a failover takes.
    fn default() -> Self {
        Self { tries_max: 8, pause: Duration::from_millis(250), pause_max: Duration::from_secs(8) }
    }
}

impl RetryPolicy {
    fn pauses(&self) -> ExponentialBackoff {
        ExponentialBuilder::new()
            .with_min_delay(self.pause)
            .with_max_delay(self.pause_max)
            .with_max_times(usize::try_from(self.tries_max).unwrap_or(usize::MAX))
            .build()
    }
}

/// Progress of a migration.
#[derive(Debug)]
pub enum MigrationProgress<'a> {
    /// The number of records in the database, written now or before.
    Records(u64),
    /// The connection was lost; the migration resumes after the pause.
    Lost(&'a TransferError, Duration),
}

/// Applies the ledgers of `from` to the database, checks each record, and returns the number of
/// records and events.
///
/// Existing records are not written again, so an interrupted migration can be run again; after a
/// lost connection it resumes by itself. Writes nothing when the database contains records that are
/// not a prefix of these ledgers.
///
/// # Errors
/// [`TransferError::Foreign`] when the database contains other records;
/// [`TransferError::Store`] when `retry` is exhausted.
pub async fn migrate(
    from: &LedgerFrom,
    postgres: &Postgres,
    retry: &RetryPolicy,
    mut report: impl FnMut(MigrationProgress<'_>),
) -> Result<(u64, usize), TransferError> {
    let heads = from.check()?;
    let (mut pauses, mut failed, mut reached) = (retry.pauses(), false, 0);
    loop {
        let mut written = 0;
        let error = match copy_missing(from, &heads, postgres, &mut written, &mut report).await {
            Ok(records) => return Ok((records, heads.len())),
            // A commit whose response was lost may take effect only now. The next read shows it.
            Err(error) if is_lost(&error) || (failed && is_out_of_step(&error)) => error,
            Err(error) => return Err(error),
        };
        failed = true;
        if written > reached {
            (pauses, reached) = (retry.pauses(), written);
        }
        let Some(pause) = pauses.next() else { return Err(error) };
        report(MigrationProgress::Lost(&error, pause));
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

/// Writes the missing records; `written` is the number of records processed.
async fn copy_missing(
    from: &LedgerFrom,
    heads: &Heads,
    postgres: &Postgres,
    written: &mut u64,
    report: &mut impl FnMut(MigrationProgress<'_>),
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
            report(MigrationProgress::Records(records));
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

/// Checks that the records in the database are a prefix of these ledgers.
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
