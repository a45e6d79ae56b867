//! The handle callers use: it submits requests, and reads what is committed.

use std::{sync::Arc, time::Duration};

use inventory::{Command, CommandKind, EventName, Hold, HoldId, Limits, TimeMs};
use inventory_store::{
    EventView, OwnedStore, Reader, SharedReader, SharedStore, StoreError, StoredRecord,
};
use tokio::sync::oneshot;

use crate::{
    committer::Committer,
    end::End,
    environment::Environment,
    parts::Parts,
    queue::{Job, PendingReply, Queue},
    reply_dispatcher::ReplyDispatcher,
    request::{EngineError, Reply, Request},
    shared::{self, EventKey, Shared},
    stats::{self, Stats},
    views::Cell,
};

/// An event as a reader may see it.
#[derive(Debug, Clone)]
pub struct Seen {
    /// The event.
    pub view: Arc<EventView>,
    /// Set when the store could not be asked: how long ago this was so.
    pub stale: Option<Duration>,
}

impl std::ops::Deref for Seen {
    type Target = EventView;

    fn deref(&self) -> &EventView {
        &self.view
    }
}

/// Where commands wait.
#[derive(Clone)]
enum Intake {
    /// For the committer of a store that belongs to this process.
    Owned(Arc<Queue>),
    /// For the writers of a store that others share.
    Shared(Arc<Shared>),
}

/// A handle to the engine; clones share it.
#[derive(Clone)]
pub struct Engine {
    intake: Intake,
    reader: Arc<dyn Reader>,
    parts: Parts,
}

impl Engine {
    /// Starts the committer over `store` on a thread of its own, with a runtime of its own.
    ///
    /// # Errors
    /// When the thread or its runtime cannot be made.
    pub fn start<S: OwnedStore>(
        store: S,
        limits: Limits,
        env: Environment,
    ) -> std::io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        let (engine, committer) = Self::assemble_on(
            tokio::runtime::Handle::try_current().ok().as_ref(),
            store,
            limits,
            env,
        );
        std::thread::Builder::new()
            .name("committer".into())
            .spawn(move || runtime.block_on(committer.run()))?;
        Ok(engine)
    }

    /// The engine and its committer's loop, to be run by the caller: in a simulation, on the
    /// simulated host.
    pub fn assemble<S: OwnedStore>(
        store: S,
        limits: Limits,
        env: Environment,
    ) -> (Self, Committer<S>) {
        Self::assemble_on(None, store, limits, env)
    }

    fn assemble_on<S: OwnedStore>(
        callers: Option<&tokio::runtime::Handle>,
        store: S,
        limits: Limits,
        env: Environment,
    ) -> (Self, Committer<S>) {
        let queue = Arc::new(Queue::new(limits.queue_max));
        let parts = Parts::new(store.views(), limits, env);
        let reader = store.reader();
        let committer = Committer::new(store, queue.clone(), &parts, ReplyDispatcher::new(callers));
        (Self { intake: Intake::Owned(queue), reader, parts }, committer)
    }

    /// Starts a writer over each of `writers`, which share one store with other processes. Readers
    /// see what is at most `cache_ttl` old. To be called within a runtime, which the writers
    /// run on.
    pub fn start_shared<S: SharedStore>(
        writers: Vec<S>,
        reader: Arc<dyn SharedReader>,
        cache_ttl: Duration,
        limits: Limits,
        env: Environment,
    ) -> Self {
        let parts = Parts::new(Vec::new(), limits, env);
        let shared = Arc::new(Shared::new(reader.clone(), writers.len(), cache_ttl, &parts));
        let engine = Self { intake: Intake::Shared(shared.clone()), reader, parts };
        let sweeping = engine.clone();
        let expire = move |event, request| {
            // A full queue: the next round tries again.
            let _ = sweeping.enqueue(Some(event), request, true);
        };
        shared::spawn(&shared, writers, &engine.parts, expire);
        engine
    }

    /// Decides `request` and writes the decision down; the answer is durable when this returns.
    ///
    /// Once queued it is decided and written whether or not the caller still waits.
    ///
    /// # Errors
    /// [`EngineError`]; only [`EngineError::Store`] leaves open whether something was done.
    pub async fn submit(&self, request: Request) -> Result<Reply, EngineError> {
        let Intake::Shared(shared) = &self.intake else {
            let answer = self.enqueue(None, request, false)?;
            return answer.get().await;
        };
        shared.reader.check()?;
        let event_key = shared.event_key(&request.kind).await?;
        let answer = self.enqueue(event_key.clone(), request, false)?;
        let reply = answer.get().await?;
        if let Ok(outcome) = &reply.result {
            shared.remember(event_key, outcome);
        }
        Ok(reply)
    }

    /// Like [`Engine::submit`] for several at once, in order, in one step. The answers come in the
    /// same order.
    pub async fn submit_all(&self, requests: Vec<Request>) -> Vec<Result<Reply, EngineError>> {
        let mut waiting = Vec::with_capacity(requests.len());
        for request in requests {
            waiting.push(match &self.intake {
                Intake::Owned(_) => self.enqueue(None, request, false),
                Intake::Shared(shared) => match shared.reader.check() {
                    Ok(()) => shared
                        .event_key(&request.kind)
                        .await
                        .and_then(|event_key| self.enqueue(event_key, request, false)),
                    Err(error) => Err(error.into()),
                },
            });
        }
        let mut replies = Vec::with_capacity(waiting.len());
        for queued in waiting {
            replies.push(match queued {
                Ok(answer) => answer.get().await,
                Err(error) => Err(error),
            });
        }
        replies
    }

    fn enqueue(
        &self,
        event_key: EventKey,
        request: Request,
        internal: bool,
    ) -> Result<PendingReply, EngineError> {
        let (answer, reply) = oneshot::channel();
        let command = Command { id: self.parts.env.new_id(), kind: request.kind };
        let Request { key, deadline, trace, .. } = request;
        let (guard, behind) = match &key {
            Some(key) => {
                let (guard, shared) = self.parts.keys.enter(key);
                (Some(guard), shared)
            }
            None => (None, false),
        };
        let job = Job {
            command,
            key,
            guard,
            deadline,
            queued_at: tokio::time::Instant::now(),
            trace,
            answer,
        };
        let pushed = match &self.intake {
            Intake::Owned(queue) => queue.push(job, internal),
            Intake::Shared(shared) => shared.queue.push(event_key, job, internal),
        };
        if matches!(pushed, Err(EngineError::Busy)) {
            stats::count(&self.parts.stats.busy, 1);
        }
        pushed.map(|()| PendingReply { reply, until: deadline.filter(|_| behind) })
    }

    /// The event as it is now: what has expired by this moment is available again. A shared store
    /// is asked when what is known is older than the cache allows; when it cannot be asked,
    /// what is known is marked as stale.
    ///
    /// # Errors
    /// [`EngineError`] when nothing is known, or an expiry has to be written down first and cannot
    /// be.
    pub async fn event(&self, name: &EventName) -> Result<Option<Seen>, EngineError> {
        self.read(name, false).await
    }

    /// What `of` tells of the event, if there is an answer at once: the store belongs to this
    /// process, the event exists, and no expiry has to be written down first. Otherwise ask
    /// [`Engine::event`].
    pub fn glance<T>(&self, name: &EventName, of: impl FnOnce(&EventView) -> T) -> Option<T> {
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
    pub async fn event_now(&self, name: &EventName) -> Result<Option<Seen>, EngineError> {
        self.read(name, true).await
    }

    async fn read(&self, name: &EventName, now: bool) -> Result<Option<Seen>, EngineError> {
        let (cell, stale) = match &self.intake {
            Intake::Owned(_) => (self.parts.views.cell(name), None),
            Intake::Shared(shared) => match shared.read(name, now).await {
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
            return Ok(Some(Seen { view: cell.view.load_full(), stale }));
        }
        match (self.expire(name, &cell).await, &self.intake) {
            (Ok(()), _) => Ok(Some(Seen { view: cell.view.load_full(), stale: None })),
            (Err(EngineError::Store(_)), Intake::Shared(shared)) => {
                Ok(Some(Seen { view: cell.view.load_full(), stale: Some(shared.age(&cell)) }))
            }
            (Err(error), _) => Err(error),
        }
    }

    /// Has the event's expiries written down: one of its readers does, the others wait for it.
    async fn expire(&self, name: &EventName, cell: &Cell) -> Result<(), EngineError> {
        let _turn = cell.expiring.lock().await;
        if !self.is_due(&cell.view.load()) {
            return Ok(());
        }
        let request = Request::new(CommandKind::Expire { event: name.clone() });
        self.enqueue(Some(name.clone()), request, true)?.get().await?;
        if let Intake::Shared(shared) = &self.intake
            && self.is_due(&cell.view.load())
        {
            // Another process had written it down: nothing changed here, and what is known is out
            // of date.
            shared.refresh_now(cell).await?;
        }
        Ok(())
    }

    fn is_due(&self, view: &EventView) -> bool {
        view.next_expiry_ms.is_some_and(|next| next <= view.event.ledger_time(self.now_ms()))
    }

    /// Events by name after `after`, at most `limit`, and whether there are more.
    ///
    /// # Errors
    /// As [`Engine::event`].
    pub async fn events(
        &self,
        after: Option<&EventName>,
        limit: usize,
    ) -> Result<(Vec<Seen>, bool), EngineError> {
        let (names, more) = match &self.intake {
            Intake::Owned(_) => self.parts.views.names(after, limit),
            // When the store cannot be asked, what is known is listed; each event says that it is
            // stale.
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

    /// Every event as it was last published, without waiting for expiries: for metrics.
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

    /// The records of `event` after `after`, in order, at most `limit`; `None` when there is no
    /// such event.
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
            Intake::Shared(shared) => match shared.read(event, false).await {
                Ok(cell) => cell.is_some(),
                Err((_, error)) => return Err(error.into()),
            },
        };
        if exists { Ok(Some(self.reader.records(event, after, limit).await?)) } else { Ok(None) }
    }

    /// The time by which the engine decides.
    #[must_use]
    pub fn now_ms(&self) -> TimeMs {
        self.parts.env.now_ms()
    }

    /// The limits it was started with.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.parts.limits
    }

    /// What it has done so far.
    #[must_use]
    pub fn stats(&self) -> &Stats {
        &self.parts.stats
    }

    /// How many requests wait to be decided.
    #[must_use]
    pub fn queued(&self) -> usize {
        match &self.intake {
            Intake::Owned(queue) => queue.len(),
            Intake::Shared(shared) => shared.queue.len(),
        }
    }

    /// Whether it can take requests; the error says why not.
    ///
    /// # Errors
    /// [`EngineError::Stopping`] or [`EngineError::Store`].
    pub fn check(&self) -> Result<(), EngineError> {
        match &self.intake {
            Intake::Owned(queue) => queue.check(),
            Intake::Shared(shared) => {
                shared.queue.check()?;
                Ok(shared.reader.check()?)
            }
        }
    }

    fn end(&self) -> &End {
        match &self.intake {
            Intake::Owned(queue) => &queue.end,
            Intake::Shared(shared) => &shared.queue.end,
        }
    }

    /// Waits until the store has failed for good: the process must end, and recovery decides what
    /// happened.
    pub async fn failed(&self) -> StoreError {
        self.end().failed().await
    }

    /// Takes nothing more, writes what is waiting, and returns when the store is closed.
    pub async fn stop(&self) {
        match &self.intake {
            Intake::Owned(queue) => queue.close(),
            Intake::Shared(shared) => shared.queue.close(),
        }
        self.end().reached().await;
    }
}
