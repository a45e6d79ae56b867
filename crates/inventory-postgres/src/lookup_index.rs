//! The indexes of holds and reservations by customer and payment.
//!
//! A new schema gets them with its tables. In a schema that is older, table `holds` may be large,
//! and a plain `CREATE INDEX` would stop sales for as long as it reads the table. So a task builds
//! them with `CREATE INDEX CONCURRENTLY`, which delays no sale and cannot be part of a migration.
//! Look-ups are refused until the indexes are valid: without them each would read the whole table.
//!
//! Two such statements wait for each other without end, and one that was interrupted leaves an
//! index that is not valid. So one process builds at a time: it holds an advisory lock in a
//! transaction of another connection, which reads nothing, so that no index waits for it.

use std::{sync::Arc, time::Duration};

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use tokio::time::{Instant, sleep};
use tokio_postgres::{
    Client,
    types::{ToSql, Type},
};

use crate::{
    connection::{Connection, within},
    context::StoreContext,
    errors::DbError,
    sql::{LOOKUP_INDEXES, lookup_is_built, quoted},
};

/// Each index of table `holds`. The id follows the text, so that an index has the holds of a
/// customer or payment in the order in which they are read. Payments that came too late are few.
const INDEXES: [(&str, &str); LOOKUP_INDEXES.len()] = [
    (LOOKUP_INDEXES[0], "(customer, id) WHERE customer IS NOT NULL"),
    (LOOKUP_INDEXES[1], "(payment_ref, id) WHERE payment_ref IS NOT NULL"),
    (
        LOOKUP_INDEXES[2],
        "((terms->>'payment_started'), id) WHERE terms->>'payment_started' IS NOT NULL",
    ),
    (
        LOOKUP_INDEXES[3],
        "USING gin ((terms->'refunds_due')) WHERE terms->'refunds_due' <> '[]'::jsonb",
    ),
];

/// Whether the index `$2` exists, whether it is valid, and whether its table is being indexed, by a
/// process that is gone or by an administrator.
const STATE: &str = "SELECT i.indexrelid IS NOT NULL, coalesce(i.indisvalid, false), \
                     EXISTS (SELECT 1 FROM pg_stat_progress_create_index p WHERE p.relid = t.oid) \
                     FROM pg_class t JOIN pg_namespace n ON n.oid = t.relnamespace \
                     LEFT JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = $2 \
                     LEFT JOIN pg_index i ON i.indexrelid = c.oid \
                     WHERE n.nspname = $1 AND t.relname = 'holds'";

/// The pauses between two attempts.
const PAUSE_MIN: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(300);

/// Creates the indexes in a new schema, within the transaction that creates its tables.
pub async fn create(client: &Client, schema: &str) -> Result<(), DbError> {
    for (name, definition) in INDEXES {
        client.batch_execute(&create_sql("CREATE INDEX", schema, name, definition)).await?;
    }
    Ok(())
}

fn create_sql(create: &str, schema: &str, name: &str, definition: &str) -> String {
    format!("{create} {name} ON {}.holds {definition}", quoted(schema))
}

/// Whether all indexes can be used.
pub async fn is_built(client: &Client, schema: &str) -> Result<bool, DbError> {
    let rows = client.query_typed(&lookup_is_built(), &[(&schema, Type::TEXT)]).await?;
    Ok(rows.first().map_or(Ok(false), |row| row.try_get(0))?)
}

/// Builds the indexes whenever one was found missing, until this is dropped.
pub async fn run(context: Arc<StoreContext>) {
    loop {
        context.index_missing.notified().await;
        let mut pauses = pauses();
        loop {
            match build(&context).await {
                Ok(true) => break,
                Ok(false) => {}
                Err(error) => tracing::warn!(
                    error = error.text(),
                    "cannot build an index of reservations; look-ups are refused"
                ),
            }
            sleep(pauses.next().unwrap_or(PAUSE_MAX)).await;
        }
    }
}

fn pauses() -> ExponentialBackoff {
    ExponentialBuilder::new()
        .with_min_delay(PAUSE_MIN)
        .with_max_delay(PAUSE_MAX)
        .with_jitter()
        .without_max_times()
        .build()
}

/// Builds what is missing. Returns whether all indexes can be used; if not, another process builds
/// them.
async fn build(context: &StoreContext) -> Result<bool, DbError> {
    let options = &context.options;
    let schema = options.schema.as_str();
    let lock = Connection::connect(options).await?;
    if within(options.statement_timeout, is_built(&lock.client, schema)).await? {
        return Ok(true);
    }
    if !within(options.statement_timeout, take_turn(&lock.client, schema)).await? {
        return Ok(false);
    }
    let connection = Connection::connect(options).await?;
    let client = &connection.client;
    for (name, definition) in INDEXES {
        let params: [(&(dyn ToSql + Sync), Type); 2] = [(&schema, Type::TEXT), (&name, Type::TEXT)];
        let rows = client.query_typed(STATE, &params).await?;
        let row = rows.first().ok_or_else(|| DbError::Missing("table holds".into()))?;
        let (exists, valid, busy) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
        match (exists, valid, busy) {
            (true, true, _) => continue,
            (_, _, true) => return Ok(false),
            (true, false, false) => {
                let drop = format!("DROP INDEX CONCURRENTLY {}.{name}", quoted(schema));
                client.batch_execute(&drop).await?;
            }
            (false, ..) => {}
        }
        tracing::info!(index = name, "building an index of reservations");
        let since = Instant::now();
        let create = create_sql("CREATE INDEX CONCURRENTLY", schema, name, definition);
        client.batch_execute(&create).await?;
        let seconds = since.elapsed().as_secs_f64();
        tracing::info!(index = name, seconds, "index of reservations built");
    }
    // Its transaction ends with the connection.
    drop(lock);
    within(options.statement_timeout, is_built(client, schema)).await
}

/// Begins a transaction with the lock of the one process that builds; returns whether it got it.
async fn take_turn(client: &Client, schema: &str) -> Result<bool, DbError> {
    client.batch_execute("BEGIN ISOLATION LEVEL READ COMMITTED").await?;
    let lock =
        "SELECT pg_try_advisory_xact_lock(hashtextextended('ticket-system indexes ' || $1, 0))";
    let rows = client.query_typed(lock, &[(&schema, Type::TEXT)]).await?;
    // A simple statement comes last: it closes the portal of the query, whose snapshot an index
    // would wait for.
    client.batch_execute("SET LOCAL idle_in_transaction_session_timeout = 0").await?;
    Ok(rows.first().map_or(Ok(false), |row| row.try_get(0))?)
}
