//! The engine: any number of callers, one committer, one durable write for all that arrive together.

mod batch;
mod committer;
mod env;
mod queue;
mod stats;
mod views;

use std::sync::Arc;

use thiserror::Error;
use tokio::sync::oneshot;

pub use batch::{Committed, run_batch};
pub use env::{Clock, Environment, SystemClock};
pub use stats::{BatchStats, Stats};

use crate::decide::BatchReply;
use crate::domain::{Command, CommandKind, EventName, Hold, HoldId, IdempotencyKey, Limits, TimeMs};
use crate::store::{EventView, Reader, Store, StoreError, StoredRecord};
use committer::Committer;
use queue::{Job, Queue};
use views::Views;

/// The answer to a request.
pub type Reply = BatchReply;

/// A command with the key that makes it safe to repeat, and until when an answer is of use.
#[derive(Debug, Clone)]
pub struct Request {
    /// What is asked for.
    pub kind: CommandKind,
    /// The caller's idempotency key.
    pub key: Option<IdempotencyKey>,
    /// When it is still waiting at this time, it is dropped unanswered instead of decided.
    pub deadline: Option<tokio::time::Instant>,
}

impl Request {
    /// A request without a key and without a deadline.
    #[must_use]
    pub fn new(kind: CommandKind) -> Self {
        Self { kind, key: None, deadline: None }
    }
}

/// Why a request was not decided, or its answer is not known.
#[derive(Debug, Clone, Error)]
pub enum EngineError {
    /// Too many requests are waiting. Nothing was done.
    #[error("too many requests are waiting")]
    Busy,
    /// Its deadline passed while it waited. Nothing was done.
    #[error("the deadline passed before it could be decided")]
    DeadlinePassed,
    /// The engine is shutting down. Nothing was done.
    #[error("shutting down")]
    Stopping,
    /// The store failed while it was written: whether it took effect is unknown. A retry with the same key tells.
    #[error("{0}")]
    Store(#[from] StoreError),
}

/// A handle to the engine; clones share it.
#[derive(Clone)]
pub struct Engine {
    queue: Arc<Queue>,
    views: Arc<Views>,
    reader: Arc<dyn Reader>,
    env: Environment,
    limits: Arc<Limits>,
    stats: Arc<Stats>,
}

impl Engine {
    /// Starts the committer over `store` on a thread of its own, with a runtime of its own.
    ///
    /// # Errors
    /// When the thread or its runtime cannot be made.
    pub fn start<S: Store>(store: S, limits: Limits, env: Environment) -> std::io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        let (engine, committer) = Self::assemble(store, limits, env);
        std::thread::Builder::new().name("committer".into()).spawn(move || runtime.block_on(committer.run()))?;
        Ok(engine)
    }

    /// The engine and its committer's loop, to be run by the caller: in a simulation, on the simulated host.
    pub fn assemble<S: Store>(store: S, limits: Limits, env: Environment) -> (Self, Committer<S>) {
        let engine = Self {
            queue: Arc::new(Queue::new(limits.queue_max)),
            views: Arc::new(Views::new(store.views())),
            reader: store.reader(),
            env,
            limits: Arc::new(limits),
            stats: Arc::new(Stats::default()),
        };
        let committer = Committer::new(store, &engine);
        (engine, committer)
    }

    /// Decides `request` and writes the decision down; the answer is durable when this returns.
    ///
    /// Once queued it is decided and written whether or not the caller still waits.
    ///
    /// # Errors
    /// [`EngineError`]; only [`EngineError::Store`] leaves open whether something was done.
    pub async fn submit(&self, request: Request) -> Result<Reply, EngineError> {
        let reply = self.enqueue(request, false)?;
        self.reply(reply).await
    }

    /// An answer that never comes is that of a committer that panicked with the command in its hands.
    async fn reply(&self, reply: oneshot::Receiver<Result<Reply, EngineError>>) -> Result<Reply, EngineError> {
        match reply.await {
            Ok(reply) => reply,
            Err(_) => Err(EngineError::Store(StoreError::Failed("the committer ended".into()))),
        }
    }

    /// Like [`Engine::submit`] for several at once, in order, in one step. The answers come in the same order.
    pub async fn submit_all(&self, requests: Vec<Request>) -> Vec<Result<Reply, EngineError>> {
        let waiting: Vec<_> = requests.into_iter().map(|request| self.enqueue(request, false)).collect();
        let mut replies = Vec::with_capacity(waiting.len());
        for queued in waiting {
            replies.push(match queued {
                Ok(reply) => self.reply(reply).await,
                Err(error) => Err(error),
            });
        }
        replies
    }

    fn enqueue(&self, request: Request, internal: bool) -> Result<oneshot::Receiver<Result<Reply, EngineError>>, EngineError> {
        let (answer, reply) = oneshot::channel();
        let command = Command { id: self.env.new_id(), kind: request.kind };
        self.queue.push(Job { command, key: request.key, deadline: request.deadline, answer }, internal)?;
        Ok(reply)
    }

    /// The event as it is now: what has expired by this moment is available again.
    ///
    /// # Errors
    /// [`EngineError`] when an expiry has to be written down first and cannot be.
    pub async fn event(&self, name: &EventName) -> Result<Option<Arc<EventView>>, EngineError> {
        let Some(cell) = self.views.cell(name) else { return Ok(None) };
        let view = cell.view.load_full();
        if !self.is_due(&view) {
            return Ok(Some(view));
        }
        // One of the readers has the expiry written down; the others wait for it.
        let _turn = cell.expiring.lock().await;
        let view = cell.view.load_full();
        if !self.is_due(&view) {
            return Ok(Some(view));
        }
        let request = Request::new(CommandKind::Expire { event: name.clone() });
        let reply = self.enqueue(request, true)?;
        self.reply(reply).await?;
        Ok(Some(cell.view.load_full()))
    }

    fn is_due(&self, view: &EventView) -> bool {
        view.next_expiry_ms.is_some_and(|next| next <= view.event.ledger_time(self.now_ms()))
    }

    /// Events by name after `after`, at most `limit`, and whether there are more.
    ///
    /// # Errors
    /// As [`Engine::event`].
    pub async fn events(&self, after: Option<&EventName>, limit: usize) -> Result<(Vec<Arc<EventView>>, bool), EngineError> {
        let (names, more) = self.views.names(after, limit);
        let mut views = Vec::with_capacity(names.len());
        for name in names {
            views.extend(self.event(&name).await?);
        }
        Ok((views, more))
    }

    /// Every event as it was last published, without waiting for expiries: for metrics.
    #[must_use]
    pub fn published(&self) -> Vec<Arc<EventView>> {
        self.views.all()
    }

    /// The hold or reservation with this id.
    ///
    /// # Errors
    /// [`EngineError::Store`].
    pub async fn hold(&self, id: HoldId) -> Result<Option<Hold>, EngineError> {
        Ok(self.reader.hold(id).await?)
    }

    /// The records of `event` after `after`, in order, at most `limit`; `None` when there is no such event.
    ///
    /// # Errors
    /// [`EngineError::Store`].
    pub async fn records(&self, event: &EventName, after: u64, limit: usize) -> Result<Option<Vec<StoredRecord>>, EngineError> {
        if self.views.cell(event).is_none() {
            return Ok(None);
        }
        Ok(Some(self.reader.records(event, after, limit).await?))
    }

    /// The time by which the engine decides.
    #[must_use]
    pub fn now_ms(&self) -> TimeMs {
        self.env.now_ms()
    }

    /// The limits it was started with.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// What it has done so far.
    #[must_use]
    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    /// How many requests wait to be decided.
    #[must_use]
    pub fn queued(&self) -> usize {
        self.queue.len()
    }

    /// Whether it can take requests; the error says why not.
    ///
    /// # Errors
    /// [`EngineError::Stopping`] or [`EngineError::Store`].
    pub fn check(&self) -> Result<(), EngineError> {
        self.queue.check()
    }

    /// Waits until the store has failed for good: the process must end, and recovery decides what happened.
    pub async fn failed(&self) -> StoreError {
        self.queue.failed().await
    }

    /// Takes nothing more, writes what is waiting, and returns when the store is closed.
    pub async fn stop(&self) {
        self.queue.close();
        self.queue.stopped().await;
    }
}
