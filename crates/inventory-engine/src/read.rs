//! Reading committed events, holds and records.

use std::{sync::Arc, time::Duration};

use draw::Leaf;
use inventory::{CommandKind, EventName, Hold, HoldId, domain::Place};
use inventory_store::{EventView, StoredRecord};
use tokio::sync::watch;

use crate::{
    engine::{Engine, Intake},
    queue::Origin,
    request::{EngineError, Request},
    shared::Freshness,
    views::Cell,
};

/// Events that a visit of all of them reads at once.
const VISIT_PAGE: usize = 1_000;

/// An event as readers see it.
#[derive(Debug, Clone)]
pub struct EventSnapshot {
    /// The event.
    pub view: Arc<EventView>,
    /// The age of the view, when the store is unreachable.
    pub stale: Option<Duration>,
}

impl std::ops::Deref for EventSnapshot {
    type Target = EventView;

    fn deref(&self) -> &EventView {
        &self.view
    }
}

impl Engine {
    /// The event as of now: expired items are available again. A shared store is read when the
    /// cached view is older than `cache_ttl`; when it is unreachable, the cached view is returned
    /// as stale.
    ///
    /// # Errors
    /// [`EngineError`] without a cached view, or when a due expiry cannot be written.
    pub async fn event(&self, name: &EventName) -> Result<Option<EventSnapshot>, EngineError> {
        self.read(name, Freshness::Cached).await
    }

    /// Applies `of` to the event, if that needs no wait: the store belongs to this process, the
    /// event exists, and no expiry is due. Otherwise call [`Engine::event`].
    pub fn try_event<T>(&self, name: &EventName, of: impl FnOnce(&EventView) -> T) -> Option<T> {
        let Intake::Owned(_) = &self.intake else { return None };
        let seen = self.parts.views.look(name, |cell| {
            let view = cell.view.load();
            (!self.is_due(&view)).then(|| of(&view))
        });
        seen.flatten()
    }

    /// Like [`Engine::event`], but never from the cache of a shared store.
    ///
    /// # Errors
    /// As [`Engine::event`].
    pub async fn event_now(&self, name: &EventName) -> Result<Option<EventSnapshot>, EngineError> {
        self.read(name, Freshness::Now).await
    }

    /// Like [`Engine::event`], and with record `seq` if the event has it already.
    ///
    /// # Errors
    /// As [`Engine::event`].
    pub async fn event_with(
        &self,
        name: &EventName,
        seq: u64,
    ) -> Result<Option<EventSnapshot>, EngineError> {
        match self.event(name).await? {
            Some(seen) if seen.view.event.seq >= seq || seen.stale.is_some() => Ok(Some(seen)),
            _ => self.event_now(name).await,
        }
    }

    /// A receiver that changes whenever counts may have changed. On a shared store it does not see
    /// what other processes write until this one reads it.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.parts.views.watch()
    }

    async fn read(
        &self,
        name: &EventName,
        freshness: Freshness,
    ) -> Result<Option<EventSnapshot>, EngineError> {
        let (cell, stale) = match &self.intake {
            Intake::Owned(_) => (self.parts.views.cell(name), None),
            Intake::Shared(shared) => match shared.read(name, freshness).await {
                Ok(cell) => (cell, None),
                Err((Some(cell), _)) => {
                    let age = shared.age(&cell);
                    (Some(cell), Some(age))
                }
                Err((None, error)) => return Err(error.into()),
            },
        };
        let Some(cell) = cell else { return Ok(None) };
        if stale.is_some() || !self.is_due(&cell.view.load()) {
            return Ok(Some(EventSnapshot { view: cell.view.load_full(), stale }));
        }
        match (self.expire(name, &cell).await, &self.intake) {
            (Ok(()), _) => Ok(Some(EventSnapshot { view: cell.view.load_full(), stale: None })),
            (Err(EngineError::Store(_)), Intake::Shared(shared)) => Ok(Some(EventSnapshot {
                view: cell.view.load_full(),
                stale: Some(shared.age(&cell)),
            })),
            (Err(error), _) => Err(error),
        }
    }

    /// Writes the event's due expiries: one reader does, the others wait for it.
    async fn expire(&self, name: &EventName, cell: &Cell) -> Result<(), EngineError> {
        let _turn = cell.expiring.lock().await;
        if !self.is_due(&cell.view.load()) {
            return Ok(());
        }
        let request = Request::new(CommandKind::Expire { event: name.clone() });
        self.enqueue(Some(name.clone()), request, Origin::Engine)?.get().await?;
        if let Intake::Shared(shared) = &self.intake
            && self.is_due(&cell.view.load())
        {
            // Another process wrote the expiry: the local view is unchanged and out of date.
            shared.refresh_now(cell).await?;
        }
        Ok(())
    }

    fn is_due(&self, view: &EventView) -> bool {
        view.next_due_ms().is_some_and(|next| next <= view.event.ledger_time(self.now_ms()))
    }

    /// Events by name after `after`, at most `limit`, and whether there are more.
    ///
    /// # Errors
    /// As [`Engine::event`].
    pub async fn events(
        &self,
        after: Option<&EventName>,
        limit: usize,
    ) -> Result<(Vec<EventSnapshot>, bool), EngineError> {
        let (names, more) = match &self.intake {
            Intake::Owned(_) => self.parts.views.names(after, limit),
            // When the store is unreachable, the cached events are listed, each as stale.
            Intake::Shared(shared) => match shared.page(after, limit).await {
                Ok(page) => page,
                Err(error) if self.parts.views.is_empty() => return Err(error.into()),
                Err(_) => self.parts.views.names(after, limit),
            },
        };
        let mut seen = Vec::with_capacity(names.len());
        for name in names {
            seen.extend(self.event(&name).await?);
        }
        Ok((seen, more))
    }

    /// Applies `visit` to every event, in the order of their names.
    ///
    /// # Errors
    /// As [`Engine::event`]; the events before the one that failed were visited.
    pub async fn visit_events(
        &self,
        mut visit: impl FnMut(EventSnapshot),
    ) -> Result<(), EngineError> {
        let mut after = None;
        loop {
            let (page, more) = self.events(after.as_ref(), VISIT_PAGE).await?;
            after = page.last().filter(|_| more).map(|last| last.event.name.clone());
            page.into_iter().for_each(&mut visit);
            if after.is_none() {
                return Ok(());
            }
        }
    }

    /// The last published view of every event, without waiting for expiries: for metrics.
    #[must_use]
    pub fn published(&self) -> Vec<Arc<EventView>> {
        self.parts.views.all()
    }

    /// The hold or reservation with this id.
    ///
    /// # Errors
    /// [`EngineError::Store`].
    pub async fn hold(&self, id: HoldId) -> Result<Option<Hold>, EngineError> {
        Ok(self.reader.hold(id).await?)
    }

    /// The place of a waiting room.
    ///
    /// # Errors
    /// [`EngineError::Store`].
    pub async fn place(
        &self,
        event: &EventName,
        leaf: &Leaf,
    ) -> Result<Option<Place>, EngineError> {
        Ok(self.reader.place(event, leaf).await?)
    }

    /// The records of `event` after `after`, in order, at most `limit`; `None` when the event does
    /// not exist.
    ///
    /// # Errors
    /// [`EngineError::Store`].
    pub async fn records(
        &self,
        event: &EventName,
        after: u64,
        limit: usize,
    ) -> Result<Option<Vec<StoredRecord>>, EngineError> {
        let exists = match &self.intake {
            Intake::Owned(_) => self.parts.views.cell(event).is_some(),
            Intake::Shared(shared) => match shared.read(event, Freshness::Cached).await {
                Ok(cell) => cell.is_some(),
                Err((_, error)) => return Err(error.into()),
            },
        };
        if exists { Ok(Some(self.reader.records(event, after, limit).await?)) } else { Ok(None) }
    }
}
