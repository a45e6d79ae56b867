//! Keeps watch over the database: brings its schema up to date, says whether it can be used,
//! forgets old keys.

use std::{sync::Arc, time::Duration};

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use rand::RngExt;
use tokio::time::{Instant, sleep};
use tokio_postgres::types::Type;

use crate::{
    connection::{Connection, within},
    context::StoreContext,
    counts::Counts,
    errors::DbError,
    lookup_index, migrate,
    options::TimeSource,
    rows::{int, number},
};

/// How often it looks when all is well. What it finds is known within a second.
const PROBE_EVERY: Duration = Duration::from_millis(500);
/// The longest pause, without the random part, before it tries again.
const PAUSE_MAX: Duration = Duration::from_millis(800);
const PAUSE_MIN: Duration = Duration::from_millis(50);
/// How often old keys are forgotten, and how many at once.
const FORGET_EVERY: Duration = Duration::from_secs(5);
const FORGET_MAX: u64 = 5_000;
const FORGET_ROUNDS: usize = 8;
/// A migration may have to wait for another process, and to build an index.
const MIGRATION_MAX: Duration = Duration::from_secs(600);

/// Runs until it is dropped.
pub async fn run(context: Arc<StoreContext>) {
    let (mut pauses, mut known) = (pauses(), false);
    loop {
        let error = match watch(&context, &mut known).await {
            Ok(never) => match never {},
            Err((error, worked)) => {
                if worked {
                    pauses = self::pauses();
                }
                error
            }
        };
        context.health.set_down(&error);
        // Every process would try again at the same time otherwise.
        let jitter = rand::rng().random_range(0.5..1.5);
        sleep(pauses.next().unwrap_or(PAUSE_MAX).mul_f64(jitter)).await;
    }
}

/// The pauses between tries to connect, without the random part.
fn pauses() -> ExponentialBackoff {
    ExponentialBuilder::new()
        .with_min_delay(PAUSE_MIN)
        .with_max_delay(PAUSE_MAX)
        .without_max_times()
        .build()
}

/// One connection's life. The error says whether it ever worked.
///
/// `known` is whether this process has seen the schema. One that is missing later was dropped: a
/// new one would be without sales, and would sell everything again.
async fn watch(
    context: &StoreContext,
    known: &mut bool,
) -> Result<std::convert::Infallible, (DbError, bool)> {
    let counts = &context.counts;
    let connection = Connection::connect(&context.options).await.map_err(|error| {
        Counts::add(&counts.connect_failures);
        (error, false)
    })?;
    Counts::add(&counts.connects);
    // Each connection may lead to another server.
    let schema = &context.options.schema;
    if *known {
        let complete = within(
            context.options.statement_timeout,
            migrate::is_complete(&connection.client, schema),
        );
        if !complete.await.map_err(|error| (error, false))? {
            return Err((missing(schema), false));
        }
    } else {
        within(MIGRATION_MAX, migrate::migrate(&connection.client, schema))
            .await
            .map_err(|error| (error, false))?;
        *known = true;
    }
    let indexed = within(
        context.options.statement_timeout,
        lookup_index::is_built(&connection.client, schema),
    );
    if !indexed.await.map_err(|error| (error, false))? {
        context.index_missing.notify_one();
    }
    let mut forgotten = Instant::now();
    loop {
        within(context.options.statement_timeout, probe(&connection, context))
            .await
            .map_err(|error| (error, true))?;
        context.health.set_up();
        // With the caller's clock, this task cannot tell which keys have expired.
        if context.options.time == TimeSource::Database && forgotten.elapsed() >= FORGET_EVERY {
            within(context.options.statement_timeout * 4, forget(&connection, context))
                .await
                .map_err(|error| (error, true))?;
            forgotten = Instant::now();
        }
        tokio::select! {
            () = sleep(PROBE_EVERY) => {}
            () = context.health.alarm.notified() => {}
        }
    }
}

fn missing(schema: &str) -> DbError {
    DbError::Missing(format!(
        "schema {schema} is missing or incomplete. Restore it from a backup. To begin with an empty \
         stock instead, restart this process"
    ))
}

async fn probe(connection: &Connection, context: &StoreContext) -> Result<(), DbError> {
    let schema = &context.options.schema;
    let rows = connection.client.query_typed(&context.sql.probe, &[(schema, Type::TEXT)]).await?;
    let row = rows.first().ok_or_else(|| DbError::Lost("no answer".into()))?;
    if row.try_get::<_, &str>(1)? == "on" {
        return Err(DbError::Lost("the server takes no writes any more".into()));
    }
    if !row.try_get::<_, bool>(2)? {
        return Err(missing(schema));
    }
    context.clock.observe(number(row, 0)?);
    Ok(())
}

/// Deletes expired keys, and the oldest keys beyond the bound by the server's estimate of their
/// number.
async fn forget(connection: &Connection, context: &StoreContext) -> Result<(), DbError> {
    let most = int(FORGET_MAX);
    for _ in 0..FORGET_ROUNDS {
        let deleted = connection
            .client
            .execute_typed(&context.sql.forget_keys, &[(&most, Type::INT8)])
            .await?;
        if deleted < FORGET_MAX {
            break;
        }
    }
    let rows = connection
        .client
        .query_typed(&context.sql.keys_len, &[(&context.options.schema, Type::TEXT)])
        .await?;
    let len = rows.first().map_or(Ok(0), |row| number(row, 0))?;
    // 10 % more, because the number is an estimate.
    let most = context.options.keys_max.saturating_add(context.options.keys_max / 10);
    if len > most {
        let excess = int((len - context.options.keys_max).min(FORGET_MAX * 4));
        let deleted = connection
            .client
            .execute_typed(&context.sql.forget_oldest_keys, &[(&excess, Type::INT8)])
            .await?;
        tracing::warn!(
            deleted,
            remaining = len.saturating_sub(deleted),
            "deleted the oldest idempotency keys: IDEMPOTENCY_KEYS_MAX exceeded"
        );
    }
    Ok(())
}
