//! The handle callers use: starting, stopping and observing the engine. [`crate::submit`] adds
//! requests to it, and [`crate::read`] reads.

use std::{sync::Arc, time::Duration};

use inventory::{Limits, TimeMs};
use inventory_store::{OwnedStore, Reader, SharedReader, SharedStore, StoreError};

use crate::{
    committer::Committer,
    end::EngineEnd,
    environment::Environment,
    parts::Parts,
    queue::{Origin, Queue},
    reply_dispatcher::ReplyDispatcher,
    request::EngineError,
    shared::{self, Shared},
    stats::Stats,
};

/// The queue for commands.
#[derive(Clone)]
pub(crate) enum Intake {
    /// The queue of the committer of an owned store.
    Owned(Arc<Queue>),
    /// The queue of the writers of a shared store.
    Shared(Arc<Shared>),
}

/// A handle to the engine; clones share it.
#[derive(Clone)]
pub struct Engine {
    pub(crate) intake: Intake,
    pub(crate) reader: Arc<dyn Reader>,
    pub(crate) parts: Parts,
}

impl Engine {
    /// Starts the committer over `store` on its own thread and runtime.
    ///
    /// # Errors
    /// When the thread or its runtime cannot be created.
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
    /// get views that are at most `cache_ttl` old. Call it within the runtime the writers shall run
    /// on.
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
            let _ = sweeping.enqueue(Some(event), request, Origin::Engine);
        };
        shared::spawn(&shared, writers, &engine.parts, expire);
        engine
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

    /// Its statistics.
    #[must_use]
    pub fn stats(&self) -> &Stats {
        &self.parts.stats
    }

    /// The number of requests in the queue.
    #[must_use]
    pub fn queued(&self) -> usize {
        match &self.intake {
            Intake::Owned(queue) => queue.len(),
            Intake::Shared(shared) => shared.queue.len(),
        }
    }

    /// Whether it accepts requests.
    ///
    /// # Errors
    /// [`EngineError::Stopping`] or [`EngineError::Store`].
    pub fn check(&self) -> Result<(), EngineError> {
        match &self.intake {
            Intake::Owned(queue) => queue.check()?,
            Intake::Shared(shared) => shared.queue.check()?,
        }
        Ok(self.reader.check()?)
    }

    fn end(&self) -> &EngineEnd {
        match &self.intake {
            Intake::Owned(queue) => &queue.end,
            Intake::Shared(shared) => &shared.queue.end,
        }
    }

    /// Waits until the store has failed: the process must end, and recovery determines the outcome.
    pub async fn failed(&self) -> StoreError {
        self.end().failed().await
    }

    /// Refuses further requests, writes those in the queue, and returns when the store is closed.
    pub async fn stop(&self) {
        match &self.intake {
            Intake::Owned(queue) => queue.close(),
            Intake::Shared(shared) => shared.queue.close(),
        }
        self.end().reached().await;
    }
}
