//! Determines the outcome of a commit whose response was lost.

use std::time::Duration;

use inventory::{decide::WorkingSet, domain::EventName};
use tokio::time::{Instant, sleep};
use tokio_postgres::types::{ToSql, Type};

use crate::{
    commit::UNBOUNDED,
    connection::{Connection, within},
    errors::DbError,
    options::PostgresOptions,
    rows::int,
    sql::Sql,
};

/// The outcome of the commit.
pub enum Outcome {
    Committed,
    NotCommitted,
}

/// Identifies a batch by its first record.
pub struct Fingerprint {
    event: EventName,
    seq: u64,
    body: Vec<u8>,
}

impl Fingerprint {
    pub fn of(set: &WorkingSet) -> Option<Self> {
        set.records.first().map(|(record, body)| Self {
            event: record.event.clone(),
            seq: record.seq,
            body: body.clone(),
        })
    }
}

/// Queries until `options.resolve_timeout`; returns the outcome with a working connection.
///
/// The batch held the lock of its event from its load to its end. Once another transaction has that
/// lock, the old transaction is over, and the ledger shows its outcome. A batch that created its
/// event held no lock: if it commits later, it conflicts with the record written in its place and
/// is rolled back.
pub async fn resolve(
    options: &PostgresOptions,
    sql: &Sql,
    begin: &str,
    batch: &Fingerprint,
) -> Result<(Connection, Outcome), DbError> {
    const PAUSE: Duration = Duration::from_millis(50);
    let until = Instant::now() + options.resolve_timeout;
    loop {
        let error = match Connection::connect(options).await {
            Ok(connection) => match within(
                options.statement_timeout + options.lock_timeout,
                ask(&connection, sql, begin, batch),
            )
            .await
            {
                Ok(outcome) => return Ok((connection, outcome)),
                Err(error) => error,
            },
            Err(error) => error,
        };
        if Instant::now() + PAUSE >= until {
            return Err(error);
        }
        sleep(PAUSE).await;
    }
}

/// A visible record is committed on this server, but perhaps not on a synchronous standby, because
/// the wait for it was interrupted. A later synchronous commit includes it.
async fn ask(
    connection: &Connection,
    sql: &Sql,
    begin: &str,
    batch: &Fingerprint,
) -> Result<Outcome, DbError> {
    let (event, seq) = (batch.event.as_str(), int(batch.seq));
    type Params<'a> = Vec<(&'a (dyn ToSql + Sync), Type)>;
    let fence: Params<'_> = vec![(&event, Type::TEXT)];
    let record: Params<'_> = vec![(&event, Type::TEXT), (&seq, Type::INT8)];
    let (begun, fenced, found) = tokio::join!(biased;
        connection.client.batch_execute(begin),
        connection.client.query_typed(&sql.fence, &fence),
        connection.client.query_typed(&sql.record, &record),
    );
    begun?;
    fenced?;
    let found = found?;
    let body: Option<&[u8]> = found.first().map(|row| row.try_get(0)).transpose()?;
    if body != Some(batch.body.as_slice()) {
        connection.client.batch_execute("ROLLBACK").await?;
        return Ok(Outcome::NotCommitted);
    }
    connection.client.execute_typed(&sql.reads, &fence).await?;
    connection.client.batch_execute(UNBOUNDED).await?;
    connection.client.batch_execute("COMMIT").await?;
    Ok(Outcome::Committed)
}
