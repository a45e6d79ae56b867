//! The conformance suite on every store.

use inventory_embedded::EmbeddedStore;
use inventory_postgres::PostgresStore;
use inventory_store::{
    EventView, MemoryStore, OwnedStore, SharedReader, conformance_suite, testing::conformance::Kit,
};
use tempfile::TempDir;

use crate::support::{Database, open};

pub struct Memory(MemoryStore);

impl Memory {
    pub async fn new() -> Self {
        Self(MemoryStore::default())
    }
}

impl Kit for Memory {
    type Store = MemoryStore;

    async fn open(&mut self) -> MemoryStore {
        self.0.clone()
    }

    async fn views(&self, store: &MemoryStore) -> Vec<EventView> {
        store.views()
    }
}

pub struct Embedded(TempDir);

impl Embedded {
    pub async fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }
}

impl Kit for Embedded {
    type Store = EmbeddedStore;

    async fn open(&mut self) -> EmbeddedStore {
        open(self.0.path())
    }

    async fn views(&self, store: &EmbeddedStore) -> Vec<EventView> {
        store.views()
    }
}

pub struct Shared(Database);

impl Shared {
    pub async fn new() -> Self {
        Self(Database::new().await)
    }
}

impl Kit for Shared {
    type Store = PostgresStore;

    async fn open(&mut self) -> PostgresStore {
        self.0.postgres.writer()
    }

    async fn views(&self, _store: &PostgresStore) -> Vec<EventView> {
        self.0.postgres.reader().events(None, 100_000).await.unwrap()
    }
}

conformance_suite!(memory, super::Memory::new().await);
conformance_suite!(embedded, super::Embedded::new().await);
conformance_suite!(postgres, super::Shared::new().await);
