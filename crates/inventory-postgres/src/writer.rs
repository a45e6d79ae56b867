//! A writer: one connection, one transaction at a time.

use std::{collections::HashSet, sync::Arc};

use inventory::{
    decide::{ReadSet, WorkingSet},
    domain::{EventName, TimeMs},
};
use inventory_store::{Durability, EventView, Reader, SharedStore, Store, StoreError};

use crate::{
    commit::{CommitError, NextExpiries, commit},
    connection::{Connection, within},
    context::StoreContext,
    counts::Counts,
    errors::DbError,
    load::{load, load_more},
    reader::PostgresReader,
    resolve::{Fingerprint, Outcome, resolve},
};

/// A writer of the PostgreSQL store. It connects on first use, and again when needed.
pub struct PostgresStore {
    context: Arc<StoreContext>,
    reader: Arc<PostgresReader>,
    connection: Option<Connection>,
    /// The events that were there when the open transaction loaded; `None` when none is open.
    open: Option<HashSet<EventName>>,
}

impl PostgresStore {
    pub fn new(context: Arc<StoreContext>, reader: Arc<PostgresReader>) -> Self {
        Self { context, reader, connection: None, open: None }
    }

    /// The connection, opened if needed. Fails immediately when the database is known to be
    /// unreachable.
    async fn connection(&mut self) -> Result<Connection, StoreError> {
        if let Some(connection) = self.connection.take().filter(Connection::is_open) {
            return Ok(connection);
        }
        self.context.health.check()?;
        Connection::connect(&self.context.options)
            .await
            .inspect(|_| Counts::add(&self.context.counts.connects))
            .map_err(|error| {
                Counts::add(&self.context.counts.connect_failures);
                self.context.health.alarm.notify_one();
                tracing::warn!(error = error.text(), "writer cannot connect to the database");
                error.unavailable()
            })
    }

    /// Ends a transaction that is not to be committed, and keeps the connection if it still works.
    async fn roll_back(&mut self, connection: Connection, error: &DbError) {
        self.open = None;
        if error.is_about_database() || !connection.is_open() {
            self.context.health.alarm.notify_one();
        }
        if matches!(error, DbError::Lost(_)) || !connection.is_open() {
            return;
        }
        let ended = within(self.context.options.statement_timeout, async {
            Ok(connection.client.batch_execute("ROLLBACK").await?)
        })
        .await;
        if ended.is_ok() {
            self.connection = Some(connection);
        }
    }

    fn give_up(&self, error: DbError) -> StoreError {
        match &error {
            DbError::Again(_) => Counts::add(&self.context.counts.conflicts),
            DbError::Data(text) => tracing::debug!(error = text, "batch rolled back"),
            other => tracing::warn!(error = other.text(), "batch rolled back"),
        }
        error.without_effect()
    }

    async fn end_empty(&mut self, connection: Connection) -> Result<Vec<EventView>, StoreError> {
        let ended = within(self.context.options.statement_timeout, async {
            Ok(connection.client.batch_execute("ROLLBACK").await?)
        })
        .await;
        match ended {
            Ok(()) => {
                self.connection = Some(connection);
                Ok(Vec::new())
            }
            // The batch only read, under the lock; it had nothing to write.
            Err(_) => Ok(Vec::new()),
        }
    }

    /// Queries the outcome of a commit whose response was lost.
    async fn find_out(
        &mut self,
        set: &WorkingSet,
        lost: String,
    ) -> Result<NextExpiries, StoreError> {
        let counts = &self.context.counts;
        Counts::add(&counts.interrupted);
        self.context.health.alarm.notify_one();
        let unknown = |text: String| StoreError::Unknown(text.into());
        let Some(batch) = Fingerprint::of(set) else { return Err(unknown(lost)) };
        tracing::warn!(
            error = lost,
            records = set.records.len(),
            "connection lost during a commit; checking whether it took effect"
        );
        match resolve(&self.context.options, &self.context.sql, &self.context.begin, &batch).await {
            Ok((connection, outcome)) => {
                self.connection = Some(connection);
                match outcome {
                    Outcome::Committed => {
                        Counts::add(&counts.resolved_committed);
                        Ok(NextExpiries::new())
                    }
                    Outcome::NotCommitted => {
                        Counts::add(&counts.resolved_not_committed);
                        Err(StoreError::Conflict(lost.into()))
                    }
                }
            }
            Err(error) => {
                Counts::add(&counts.unresolved);
                Err(unknown(format!("{lost}; then: {}", error.text())))
            }
        }
    }
}

impl Store for PostgresStore {
    async fn load(&mut self, reads: &ReadSet, now_ms: TimeMs) -> Result<WorkingSet, StoreError> {
        if self.open.take().is_some() {
            // A batch was loaded and never committed: closing its connection releases its locks.
            self.connection = None;
        }
        let connection = self.connection().await?;
        let context = self.context.clone();
        let options = &context.options;
        let trip =
            load(&connection.client, &context.sql, &context.begin_batch, options, reads, now_ms);
        match within(options.statement_timeout + options.lock_timeout, trip).await {
            Ok(set) => {
                context.clock.observe(set.now_ms);
                self.open = Some(set.events.keys().cloned().collect());
                self.connection = Some(connection);
                Ok(set)
            }
            Err(error) => {
                self.roll_back(connection, &error).await;
                Err(self.give_up(error))
            }
        }
    }

    /// As durable as the server's commits: at least on its disk.
    async fn commit(
        &mut self,
        set: WorkingSet,
        _durability: Durability,
    ) -> Result<Vec<EventView>, StoreError> {
        let (Some(existed), Some(connection)) = (self.open.take(), self.connection.take()) else {
            return Err(StoreError::Conflict("no transaction is open".into()));
        };
        if set.records.is_empty() {
            return self.end_empty(connection).await;
        }
        let context = self.context.clone();
        let limit = context.options.statement_timeout;
        let done =
            tokio::time::timeout(limit, commit(&connection.client, &context.sql, &set, &existed))
                .await;
        let next =
            match done.unwrap_or_else(|_| Err(CommitError::Unknown("no answer in time".into()))) {
                Ok(next) => {
                    self.connection = Some(connection);
                    next
                }
                Err(CommitError::Undone(error)) => {
                    self.roll_back(connection, &error).await;
                    return Err(self.give_up(error));
                }
                Err(CommitError::Unknown(lost)) => {
                    // Closes the old connection first: its transaction has to end.
                    drop(connection);
                    self.find_out(&set, lost).await?
                }
            };
        let dirty = set.dirty_events;
        let views = set.events.into_iter().filter(|(name, _)| dirty.contains(name));
        Ok(views
            .map(|(name, event)| EventView {
                next_expiry_ms: next.get(&name).copied().flatten(),
                event,
            })
            .collect())
    }

    fn reader(&self) -> Arc<dyn Reader> {
        self.reader.clone()
    }
}

impl SharedStore for PostgresStore {
    async fn load_more(&mut self, set: &mut WorkingSet, reads: &ReadSet) -> Result<(), StoreError> {
        let (Some(existed), Some(connection)) = (self.open.take(), self.connection.take()) else {
            return Err(StoreError::Conflict("no transaction is open".into()));
        };
        let context = self.context.clone();
        let trip = load_more(&connection.client, &context.sql, &context.options, reads, set);
        match within(context.options.statement_timeout, trip).await {
            Ok(()) => {
                self.open = Some(existed);
                self.connection = Some(connection);
                Ok(())
            }
            Err(error) => {
                self.roll_back(connection, &error).await;
                Err(self.give_up(error))
            }
        }
    }
}
