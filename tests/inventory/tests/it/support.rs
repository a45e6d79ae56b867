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
use inventory_engine::{Engine, EngineError, Environment, Request};
use inventory_postgres::{Postgres, PostgresOptions, TimeSource};
pub use inventory_store::testing::{
    TestClock, customer, event, hold, items, key, put, reserve, run, stock,
};
use inventory_store::{MemoryStore, StoreError};

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

/// A hundred requests in one batch, seven of which the store refuses; then a batch in which it
/// refuses all.
pub async fn refuse_one_of_many(engine: &Engine, store: &MemoryStore) {
    store.refuse(customer("mallory"));
    let request = |number: usize, is_culprit: bool| {
        let name = if is_culprit { "mallory".to_owned() } else { format!("buyer-{number}") };
        let kind = CommandKind::Reserve {
            event: event("default"),
            items: items(&[("general", 2)]),
            customer: Some(customer(&name)),
            by_seller: false,
            pass: None,
        };
        keyed(kind, &format!("key-{number}-{is_culprit}"))
    };
    let is_culprit = |number: usize| [0, 1, 13, 50, 51, 98, 99].contains(&number);
    let requests = (0..100).map(|number| request(number, is_culprit(number))).collect();
    let mut last_seq = 0;
    for (number, reply) in engine.submit_all(requests).await.into_iter().enumerate() {
        match reply {
            Err(EngineError::Store(StoreError::Refused(_))) => assert!(is_culprit(number)),
            Ok(reply) => {
                assert!(!is_culprit(number) && reply.result.is_ok(), "{reply:?}");
                assert!(reply.seq > last_seq, "the order of arrival is kept");
                last_seq = reply.seq;
            }
            Err(error) => panic!("{error}"),
        }
    }
    let all = (0..10).map(|number| request(number, true)).collect();
    for reply in engine.submit_all(all).await {
        assert!(matches!(reply, Err(EngineError::Store(StoreError::Refused(_)))), "{reply:?}");
    }
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
