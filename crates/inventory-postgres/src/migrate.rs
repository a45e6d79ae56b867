//! Bringing the schema up to date: in one transaction, under a lock, so that any number of
//! processes may start at once.
//!
//! A migration is never changed once it was released. One that older versions cannot live with is
//! marked as breaking: they refuse the database from then on; with all others they go on, as a
//! rolling update needs it.

use tokio_postgres::{Client, types::Type};

use crate::{
    errors::DbError,
    lookup_index,
    sql::{MONEY, QUEUE, quoted},
};

struct Migration {
    version: i32,
    name: &'static str,
    /// Versions of this program that do not know it must not use the database.
    breaking: bool,
    sql: &'static str,
}

const MIGRATIONS: &[Migration] = &[
    Migration {
        version: 1,
        name: "tables",
        breaking: true,
        sql: include_str!("migrations/0001_tables.sql"),
    },
    Migration {
        version: 2,
        name: "functions",
        breaking: false,
        sql: include_str!("migrations/0002_functions.sql"),
    },
    // Breaking from the first record about money on.
    Migration {
        version: MONEY,
        name: "money",
        breaking: false,
        sql: include_str!("migrations/0003_money.sql"),
    },
    Migration {
        version: 4,
        name: "webhooks",
        breaking: false,
        sql: include_str!("migrations/0004_webhooks.sql"),
    },
    // Breaking from the first waiting room on.
    Migration {
        version: QUEUE,
        name: "queue",
        breaking: false,
        sql: include_str!("migrations/0005_queue.sql"),
    },
];

/// Whether `schema` is complete: it has the migrations that this program needs.
pub async fn is_complete(client: &Client, schema: &str) -> Result<bool, DbError> {
    let newest = MIGRATIONS.iter().map(|migration| migration.version).max();
    Ok(applied(client, schema).await? >= newest)
}

/// Brings `schema` up to date.
pub async fn migrate(client: &Client, schema: &str) -> Result<(), DbError> {
    client.batch_execute("BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL lock_timeout = '60s'; SET LOCAL statement_timeout = 0").await?;
    let result = apply(client, schema).await;
    match result {
        Ok(()) => Ok(client.batch_execute("COMMIT").await?),
        Err(error) => {
            // A lost connection rolls back by itself.
            let _ = client.batch_execute("ROLLBACK").await;
            Err(error)
        }
    }
}

/// The newest migration that `schema` has seen; none when it has no tables of this program.
pub async fn applied(client: &Client, schema: &str) -> Result<Option<i32>, DbError> {
    if !has_migrations(client, schema).await? {
        return Ok(None);
    }
    let mut applied = None;
    for row in client
        .query_typed(
            &format!(
                "SELECT version, breaking FROM {}.migrations ORDER BY version",
                quoted(schema)
            ),
            &[],
        )
        .await?
    {
        let (version, breaking): (i32, bool) = (row.try_get(0)?, row.try_get(1)?);
        if breaking && MIGRATIONS.iter().all(|known| known.version != version) {
            return Err(DbError::Newer);
        }
        applied = Some(version);
    }
    Ok(applied)
}

async fn has_migrations(client: &Client, schema: &str) -> Result<bool, DbError> {
    let exists = "SELECT 1 FROM pg_tables WHERE schemaname = $1 AND tablename = 'migrations'";
    Ok(!client.query_typed(exists, &[(&schema, Type::TEXT)]).await?.is_empty())
}

async fn apply(client: &Client, schema: &str) -> Result<(), DbError> {
    let quoted = quoted(schema);
    let schema_param: &(dyn tokio_postgres::types::ToSql + Sync) = &schema;
    let lock = "SELECT pg_advisory_xact_lock(hashtextextended('ticket-system ' || $1, 0))";
    client.query_typed(lock, &[(schema_param, Type::TEXT)]).await?;
    // A role without the right to create schemas can use an existing one; `IF NOT EXISTS` would
    // require the right anyway.
    let exists = "SELECT 1 FROM pg_namespace WHERE nspname = $1";
    if client.query_typed(exists, &[(schema_param, Type::TEXT)]).await?.is_empty() {
        client.batch_execute(&format!("CREATE SCHEMA {quoted}")).await?;
    }
    if !has_migrations(client, schema).await? {
        let create = format!(
            "CREATE TABLE {quoted}.migrations (version integer PRIMARY KEY, name text NOT NULL, breaking boolean NOT NULL, \
             applied_at timestamptz NOT NULL DEFAULT now())"
        );
        client.batch_execute(&create).await?;
    }
    let before = applied(client, schema).await?;
    let applied = before.unwrap_or(0);
    for migration in MIGRATIONS.iter().filter(|migration| migration.version > applied) {
        client.batch_execute(&migration.sql.replace("{schema}", &quoted)).await?;
        let (version, name, breaking) = (migration.version, migration.name, migration.breaking);
        let insert = format!(
            "INSERT INTO {quoted}.migrations (version, name, breaking) VALUES ($1, $2, $3)"
        );
        client
            .execute_typed(
                &insert,
                &[(&version, Type::INT4), (&name, Type::TEXT), (&breaking, Type::BOOL)],
            )
            .await?;
        tracing::info!(version, name, "applied database migration");
    }
    if before.is_none() {
        lookup_index::create(client, schema).await?;
    }
    Ok(())
}
