//! Helpers shared by the tests.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use inventory::{CommandKind, Limits};
use inventory_embedded::{EmbeddedOptions, EmbeddedStore};
use inventory_engine::{Engine, Environment, Request};
use inventory_postgres::{Postgres, PostgresOptions, TimeSource};
pub use inventory_store::testing::{
    TestClock, customer, event, hold, items, key, put, reserve, run, stock,
};

pub fn keyed(kind: CommandKind, text: &str) -> Request {
    Request { key: Some(key(text)), ..Request::new(kind) }
}

pub fn open(dir: &std::path::Path) -> EmbeddedStore {
    EmbeddedStore::open(dir, &EmbeddedOptions::default()).unwrap()
}

pub fn start(store: EmbeddedStore, clock: &TestClock) -> Engine {
    Engine::start(store, Limits::default(), Environment::seeded(Arc::new(clock.clone()), 1))
        .unwrap()
}

/// A schema of its own on the server of these tests.
pub struct Database {
    pub postgres: Postgres,
    pub options: PostgresOptions,
}

impl Database {
    /// One that decides by the caller's time, as the other stores do.
    pub async fn new() -> Self {
        Self::with(|options| options.time = TimeSource::Caller).await
    }

    pub async fn with(change: impl FnOnce(&mut PostgresOptions)) -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        // Starting the server blocks; it does so once.
        let server = tokio::task::spawn_blocking(test_postgres::Server::common).await.unwrap();
        let mut options = PostgresOptions::new(server.url("postgres").parse().unwrap());
        // Long enough for a busy machine.
        (options.lock_timeout, options.statement_timeout) =
            (std::time::Duration::from_secs(20), std::time::Duration::from_secs(20));
        options.schema = format!("s{}", NUMBER.fetch_add(1, Ordering::SeqCst));
        change(&mut options);
        let postgres = Postgres::open(options.clone());
        assert!(postgres.ready(Duration::from_secs(20)).await, "{:?}", postgres.check());
        Self { postgres, options }
    }
}

/// Copies a folder with all that is in it. Not by another process: a fork would keep the locks of
/// stores that other tests close.
pub fn copy_dir(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_dir(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).unwrap();
        }
    }
}
