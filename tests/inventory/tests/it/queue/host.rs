//! Stores on which an engine is started again and again.

use std::{sync::Arc, time::Duration};

use draw::Leaf;
use inventory::{
    EventName, Hold, HoldId, Limits,
    domain::{LookupKey, Place},
};
use inventory_audit::verify::{VerifyOptions, verify_data_dir, verify_database};
use inventory_engine::{Engine, Environment};
use inventory_postgres::Postgres;
use inventory_store::{
    BoxFuture, EventView, MemoryStore, Reader, SharedReader, StoreError, StoredRecord,
};
use tempfile::TempDir;

use crate::support::{Database, open};

/// A store that is empty at first and keeps what engines write.
#[allow(async_fn_in_trait)] // tests run on one thread
pub trait Host {
    /// Makes the store.
    async fn new() -> Self;

    /// Starts an engine on it. No other one runs, unless the store can be shared.
    async fn start(&self, limits: &Limits, env: Environment) -> Engine;

    /// Panics if a row of the store does not follow from its ledgers. No engine runs.
    async fn verify(&self);
}

pub struct Memory(pub MemoryStore);

impl Host for Memory {
    async fn new() -> Self {
        Self(MemoryStore::default())
    }

    async fn start(&self, limits: &Limits, env: Environment) -> Engine {
        Engine::start(self.0.clone(), limits.clone(), env).unwrap()
    }

    async fn verify(&self) {}
}

pub struct Embedded(pub TempDir);

impl Host for Embedded {
    async fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    async fn start(&self, limits: &Limits, env: Environment) -> Engine {
        Engine::start(open(self.0.path()), limits.clone(), env).unwrap()
    }

    async fn verify(&self) {
        verify_data_dir(self.0.path(), &VerifyOptions::default(), |_| {}).await.unwrap();
    }
}

/// An engine on a database that writes nothing unasked.
pub fn shared_engine(postgres: &Postgres, limits: &Limits, env: Environment) -> Engine {
    let (writers, reader) = (postgres.writers(), Arc::new(NothingDue(postgres.reader())));
    Engine::start_shared(writers, reader, Duration::ZERO, limits.clone(), env)
}

/// A reader that knows of no expired hold. The database's clock is not that of the test: all holds
/// would have expired by it, and a command that joins the batch of such an expiry would be decided
/// by the time before the test set it.
struct NothingDue(Arc<dyn SharedReader>);

impl SharedReader for NothingDue {
    fn event<'a>(
        &'a self,
        name: &'a EventName,
    ) -> BoxFuture<'a, Result<Option<EventView>, StoreError>> {
        self.0.event(name)
    }

    fn events<'a>(
        &'a self,
        after: Option<&'a EventName>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<EventView>, StoreError>> {
        self.0.events(after, limit)
    }

    fn event_of(&self, hold: HoldId) -> BoxFuture<'_, Result<Option<EventName>, StoreError>> {
        self.0.event_of(hold)
    }

    fn due_events(&self, _limit: usize) -> BoxFuture<'_, Result<Vec<EventName>, StoreError>> {
        Box::pin(async { Ok(Vec::new()) })
    }
}

impl Reader for NothingDue {
    fn hold(&self, id: HoldId) -> BoxFuture<'_, Result<Option<Hold>, StoreError>> {
        self.0.hold(id)
    }

    fn records<'a>(
        &'a self,
        event: &'a EventName,
        after: u64,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<StoredRecord>, StoreError>> {
        self.0.records(event, after, limit)
    }

    fn lookup<'a>(
        &'a self,
        key: LookupKey<'a>,
        before: Option<HoldId>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<Hold>, StoreError>> {
        self.0.lookup(key, before, limit)
    }

    fn place<'a>(
        &'a self,
        event: &'a EventName,
        leaf: &'a Leaf,
    ) -> BoxFuture<'a, Result<Option<Place>, StoreError>> {
        self.0.place(event, leaf)
    }

    fn check(&self) -> Result<(), StoreError> {
        self.0.check()
    }
}

pub struct Shared(pub Database);

impl Host for Shared {
    async fn new() -> Self {
        Self(Database::new().await)
    }

    async fn start(&self, limits: &Limits, env: Environment) -> Engine {
        shared_engine(&self.0.postgres, limits, env)
    }

    async fn verify(&self) {
        verify_database(&self.0.options, &VerifyOptions::default(), |_| {}).await.unwrap();
    }
}
