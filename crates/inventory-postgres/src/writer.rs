//! A writer: one connection, one transaction at a time.

use std::{collections::HashSet, sync::Arc};

use inventory::{
    decide::{Touch, WorkingSet},
    domain::{EventName, TimeMs},
};
use inventory_store::{Durability, EventView, Reader, SharedStore, Store, StoreError};

use crate::{
    commit::{CommitError, NextExpiries, commit},
    connection::{Connection, within},
    counts::Counts,
    errors::DbError,
    load::{load, load_more},
    reader::PostgresReader,
    resolve::{Fingerprint, Outcome, resolve},
    shared::Common,
};

/// A writer of the PostgreSQL store. It connects when it is first needed, and again whenever it has
/// to.
pub struct PostgresStore {
    common: Arc<Common>,
    reader: Arc<PostgresReader>,
    connection: Option<Connection>,
    /// The events that were there when the open transaction loaded; `None` when none is open.
    open: Option<HashSet<EventName>>,
}

impl PostgresStore {
    pub fn new(common: Arc<Common>, reader: Arc<PostgresReader>) -> Self {
        Self { common, reader, connection: None, open: None }
    }

    /// The connection, made now if there is none. Where the database is known to be away, nobody
    /// waits to find that out again.
    async fn connection(&mut self) -> Result<Connection, StoreError> {
        if let Some(connection) = self.connection.take().filter(Connection::is_open) {
            return Ok(connection);
        }
        self.common.health.check()?;
        Connection::connect(&self.common.options)
            .await
            .inspect(|_| Counts::add(&self.common.counts.connects))
            .map_err(|error| {
                Counts::add(&self.common.counts.connect_failures);
                self.common.health.alarm.notify_one();
                tracing::warn!(error = error.text(), "a writer cannot connect to the database");
                error.unavailable()
            })
    }

    /// Ends a transaction that is not to be committed, and keeps the connection if it still works.
    async fn roll_back(&mut self, connection: Connection, error: &DbError) {
        self.open = None;
        if matches!(error, DbError::Lost(_)) || !connection.is_open() {
            self.common.health.alarm.notify_one();
            return;
        }
        let ended = within(self.common.options.statement_timeout, async {
            Ok(connection.client.batch_execute("ROLLBACK").await?)
        })
        .await;
        if ended.is_ok() {
            self.connection = Some(connection);
        }
    }

    fn give_up(&self, error: DbError) -> StoreError {
        match &error {
            DbError::Again(_) => Counts::add(&self.common.counts.conflicts),
            other => tracing::warn!(error = other.text(), "a batch was rolled back"),
        }
        error.without_effect()
    }

    async fn end_empty(&mut self, connection: Connection) -> Result<Vec<EventView>, StoreError> {
        let ended = within(self.common.options.statement_timeout, async {
            Ok(connection.client.batch_execute("ROLLBACK").await?)
        })
        .await;
        match ended {
            Ok(()) => {
                self.connection = Some(connection);
                Ok(Vec::new())
            }
            // What was read was read under the lock; nothing was to be written.
            Err(_) => Ok(Vec::new()),
        }
    }

    /// The answer to the commit was lost: asks the database what became of it.
    async fn find_out(
        &mut self,
        set: &WorkingSet,
        lost: String,
    ) -> Result<NextExpiries, StoreError> {
        let counts = &self.common.counts;
        Counts::add(&counts.interrupted);
        self.common.health.alarm.notify_one();
        let unknown = |text: String| StoreError::Unknown(text.into());
        let Some(batch) = Fingerprint::of(set) else { return Err(unknown(lost)) };
        tracing::warn!(
            error = lost,
            records = set.records.len(),
            "the connection was lost during a commit: asking what became of it"
        );
        match resolve(&self.common.options, &self.common.sql, &self.common.begin, &batch).await {
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
    async fn load(&mut self, touch: &Touch, now_ms: TimeMs) -> Result<WorkingSet, StoreError> {
        if self.open.take().is_some() {
            // A batch that was loaded and never committed: its connection goes, and its locks with
            // it.
            self.connection = None;
        }
        let connection = self.connection().await?;
        let common = self.common.clone();
        let options = &common.options;
        let trip =
            load(&connection.client, &common.sql, &common.begin_batch, options, touch, now_ms);
        match within(options.statement_timeout + options.lock_timeout, trip).await {
            Ok(set) => {
                common.clock.observe(set.now_ms);
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

    /// Always as durable as the server commits, never less than on its disk.
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
        let common = self.common.clone();
        let limit = common.options.statement_timeout;
        let done =
            tokio::time::timeout(limit, commit(&connection.client, &common.sql, &set, &existed))
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
                    // The old connection goes first: its transaction has to end.
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
    async fn load_more(&mut self, set: &mut WorkingSet, touch: &Touch) -> Result<(), StoreError> {
        let (Some(existed), Some(connection)) = (self.open.take(), self.connection.take()) else {
            return Err(StoreError::Conflict("no transaction is open".into()));
        };
        let common = self.common.clone();
        let trip = load_more(&connection.client, &common.sql, &common.options, touch, set);
        match within(common.options.statement_timeout, trip).await {
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
