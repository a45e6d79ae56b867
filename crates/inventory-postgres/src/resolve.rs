//! Finding out whether a commit happened whose answer was lost.

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

/// What became of it.
pub enum Outcome {
    Committed,
    NotCommitted,
}

/// What identifies a batch: its first record.
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

/// Asks until `options.resolve_timeout` is over; gives back a connection that works with the
/// answer.
///
/// The batch held the lock of its event from its load to its end. Who has that lock now knows that
/// the old transaction is over, and the ledger says how. A batch that made its event held none: if
/// it is still to come, it will collide with whatever is written in its place, and be rolled back.
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

/// A record that can be seen is committed here, but perhaps not on a synchronous standby: whoever
/// waited for that was disturbed. A commit that comes after it and is waited for carries it along.
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
