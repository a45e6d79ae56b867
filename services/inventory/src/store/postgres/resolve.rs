//! Finding out whether a commit happened whose answer was lost.

use std::time::Duration;

use tokio::time::{Instant, sleep};
use tokio_postgres::types::{ToSql, Type};

use super::{
    commit::UNBOUNDED,
    errors::Trouble,
    link::{Link, within},
    options::PostgresOptions,
    rows::int,
    sql::Sql,
};
use crate::{decide::WorkingSet, domain::EventName};

/// What became of it.
pub(super) enum Outcome {
    Committed,
    NotCommitted,
}

/// What identifies a batch: its first record.
pub(super) struct Fingerprint {
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
pub(super) async fn resolve(
    options: &PostgresOptions,
    sql: &Sql,
    begin: &str,
    batch: &Fingerprint,
) -> Result<(Link, Outcome), Trouble> {
    const PAUSE: Duration = Duration::from_millis(50);
    let until = Instant::now() + options.resolve_timeout;
    loop {
        let trouble = match Link::connect(options).await {
            Ok(link) => match within(
                options.statement_timeout + options.lock_timeout,
                ask(&link, sql, begin, batch),
            )
            .await
            {
                Ok(outcome) => return Ok((link, outcome)),
                Err(trouble) => trouble,
            },
            Err(trouble) => trouble,
        };
        if Instant::now() + PAUSE >= until {
            return Err(trouble);
        }
        sleep(PAUSE).await;
    }
}

/// A record that can be seen is committed here, but perhaps not on a synchronous standby: whoever
/// waited for that was disturbed. A commit that comes after it and is waited for carries it along.
async fn ask(link: &Link, sql: &Sql, begin: &str, batch: &Fingerprint) -> Result<Outcome, Trouble> {
    let (event, seq) = (batch.event.as_str(), int(batch.seq));
    type Params<'a> = Vec<(&'a (dyn ToSql + Sync), Type)>;
    let fence: Params<'_> = vec![(&event, Type::TEXT)];
    let record: Params<'_> = vec![(&event, Type::TEXT), (&seq, Type::INT8)];
    let (begun, fenced, found) = tokio::join!(biased;
        link.client.batch_execute(begin),
        link.client.query_typed(&sql.fence, &fence),
        link.client.query_typed(&sql.record, &record),
    );
    begun?;
    fenced?;
    let found = found?;
    let body: Option<&[u8]> = found.first().map(|row| row.try_get(0)).transpose()?;
    if body != Some(batch.body.as_slice()) {
        link.client.batch_execute("ROLLBACK").await?;
        return Ok(Outcome::NotCommitted);
    }
    link.client.execute_typed(&sql.touch, &fence).await?;
    link.client.batch_execute(UNBOUNDED).await?;
    link.client.batch_execute("COMMIT").await?;
    Ok(Outcome::Committed)
}
