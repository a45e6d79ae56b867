//! A writer: one connection, one transaction at a time.

use std::{collections::HashSet, sync::Arc};

use super::{
    commit::{CommitError, NextExpiries, commit},
    errors::Trouble,
    gate::Counts,
    link::{Link, within},
    load::{load, load_more},
    reader::PostgresReader,
    resolve::{Fingerprint, Outcome, resolve},
    shared::Common,
};
use crate::{
    decide::{Touch, WorkingSet},
    domain::{EventName, TimeMs},
    store::{Durability, EventView, Reader, SharedStore, Store, StoreError},
};

/// A writer of the PostgreSQL store. It connects when it is first needed, and again whenever it has
/// to.
pub struct PostgresStore {
    common: Arc<Common>,
    reader: Arc<PostgresReader>,
    link: Option<Link>,
    /// The events that were there when the open transaction loaded; `None` when none is open.
    open: Option<HashSet<EventName>>,
}

impl PostgresStore {
    pub(super) fn new(common: Arc<Common>, reader: Arc<PostgresReader>) -> Self {
        Self { common, reader, link: None, open: None }
    }

    /// The connection, made now if there is none. Where the database is known to be away, nobody
    /// waits to find that out again.
    async fn link(&mut self) -> Result<Link, StoreError> {
        if let Some(link) = self.link.take().filter(Link::is_open) {
            return Ok(link);
        }
        self.common.gate.check()?;
        Link::connect(&self.common.options)
            .await
            .inspect(|_| Counts::add(&self.common.gate.counts.connects))
            .map_err(|trouble| {
                Counts::add(&self.common.gate.counts.connect_failures);
                self.common.gate.alarm.notify_one();
                tracing::warn!(error = trouble.text(), "a writer cannot connect to the database");
                trouble.unavailable()
            })
    }

    /// Ends a transaction that is not to be committed, and keeps the connection if it still works.
    async fn roll_back(&mut self, link: Link, trouble: &Trouble) {
        self.open = None;
        if matches!(trouble, Trouble::Lost(_)) || !link.is_open() {
            self.common.gate.alarm.notify_one();
            return;
        }
        let ended = within(self.common.options.statement_timeout, async {
            Ok(link.client.batch_execute("ROLLBACK").await?)
        })
        .await;
        if ended.is_ok() {
            self.link = Some(link);
        }
    }

    fn give_up(&self, trouble: Trouble) -> StoreError {
        match &trouble {
            Trouble::Again(_) => Counts::add(&self.common.gate.counts.conflicts),
            other => tracing::warn!(error = other.text(), "a batch was rolled back"),
        }
        trouble.without_effect()
    }

    async fn end_empty(&mut self, link: Link) -> Result<Vec<EventView>, StoreError> {
        let ended = within(self.common.options.statement_timeout, async {
            Ok(link.client.batch_execute("ROLLBACK").await?)
        })
        .await;
        match ended {
            Ok(()) => {
                self.link = Some(link);
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
        let counts = &self.common.gate.counts;
        Counts::add(&counts.interrupted);
        self.common.gate.alarm.notify_one();
        let unknown = |text: String| StoreError::Unknown(text.into());
        let Some(batch) = Fingerprint::of(set) else { return Err(unknown(lost)) };
        tracing::warn!(
            error = lost,
            records = set.records.len(),
            "the connection was lost during a commit: asking what became of it"
        );
        match resolve(&self.common.options, &self.common.sql, &self.common.begin, &batch).await {
            Ok((link, outcome)) => {
                self.link = Some(link);
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
            Err(trouble) => {
                Counts::add(&counts.unresolved);
                Err(unknown(format!("{lost}; then: {}", trouble.text())))
            }
        }
    }
}

impl Store for PostgresStore {
    async fn load(&mut self, touch: &Touch, now_ms: TimeMs) -> Result<WorkingSet, StoreError> {
        if self.open.take().is_some() {
            // A batch that was loaded and never committed: its connection goes, and its locks with
            // it.
            self.link = None;
        }
        let link = self.link().await?;
        let common = self.common.clone();
        let options = &common.options;
        let trip = load(&link.client, &common.sql, &common.begin_batch, options, touch, now_ms);
        match within(options.statement_timeout + options.lock_timeout, trip).await {
            Ok(set) => {
                common.gate.told(set.now_ms);
                self.open = Some(set.events.keys().cloned().collect());
                self.link = Some(link);
                Ok(set)
            }
            Err(trouble) => {
                self.roll_back(link, &trouble).await;
                Err(self.give_up(trouble))
            }
        }
    }

    /// Always as durable as the server commits, never less than on its disk.
    async fn commit(
        &mut self,
        set: WorkingSet,
        _durability: Durability,
    ) -> Result<Vec<EventView>, StoreError> {
        let (Some(existed), Some(link)) = (self.open.take(), self.link.take()) else {
            return Err(StoreError::Conflict("no transaction is open".into()));
        };
        if set.records.is_empty() {
            return self.end_empty(link).await;
        }
        let common = self.common.clone();
        let limit = common.options.statement_timeout;
        let done =
            tokio::time::timeout(limit, commit(&link.client, &common.sql, &set, &existed)).await;
        let next =
            match done.unwrap_or_else(|_| Err(CommitError::Unknown("no answer in time".into()))) {
                Ok(next) => {
                    self.link = Some(link);
                    next
                }
                Err(CommitError::Undone(trouble)) => {
                    self.roll_back(link, &trouble).await;
                    return Err(self.give_up(trouble));
                }
                Err(CommitError::Unknown(lost)) => {
                    // The old connection goes first: its transaction has to end.
                    drop(link);
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
        let (Some(existed), Some(link)) = (self.open.take(), self.link.take()) else {
            return Err(StoreError::Conflict("no transaction is open".into()));
        };
        let common = self.common.clone();
        let trip = load_more(&link.client, &common.sql, &common.options, touch, set);
        match within(common.options.statement_timeout, trip).await {
            Ok(()) => {
                self.open = Some(existed);
                self.link = Some(link);
                Ok(())
            }
            Err(trouble) => {
                self.roll_back(link, &trouble).await;
                Err(self.give_up(trouble))
            }
        }
    }
}
