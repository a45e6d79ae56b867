//! What the tests share.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use inventory::{
    Command, CommandKind, CustomerId, Engine, EventName, EventSettings, HoldId, IdempotencyKey,
    Item, Items, Limits, Reply, Request, StockName,
    engine::{Clock, Environment, run_batch},
    store::{
        Durability, EmbeddedOptions, EmbeddedStore, Store,
        postgres::{Postgres, PostgresOptions, TimeSource},
    },
};

/// A clock that stands still until it is set.
#[derive(Clone, Default)]
pub struct TestClock(Arc<AtomicU64>);

impl TestClock {
    pub fn at(now_ms: u64) -> Self {
        let clock = Self::default();
        clock.set(now_ms);
        clock
    }

    pub fn set(&self, now_ms: u64) {
        self.0.store(now_ms, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now_ms(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

pub fn event(name: &str) -> EventName {
    EventName::new(name).unwrap()
}

pub fn stock(name: &str) -> StockName {
    StockName::new(name).unwrap()
}

pub fn customer(name: &str) -> CustomerId {
    CustomerId::new(name).unwrap()
}

pub fn key(text: &str) -> IdempotencyKey {
    IdempotencyKey::new(text).unwrap()
}

pub fn items(wanted: &[(&str, u64)]) -> Items {
    let items = wanted.iter().map(|(name, qty)| Item { qty: *qty, stock: stock(name) }).collect();
    Items::new(items, 16, 1_000_000).unwrap()
}

pub fn put(name: &str, capacities: &[(&str, u64)]) -> CommandKind {
    let capacities: BTreeMap<_, _> =
        capacities.iter().map(|(name, capacity)| (stock(name), *capacity)).collect();
    CommandKind::PutEvent {
        event: event(name),
        capacities,
        settings: EventSettings::default(),
        if_settings_seq: None,
        only_create: false,
    }
}

pub fn reserve(name: &str, qty: u64) -> CommandKind {
    CommandKind::Reserve { event: event(name), items: items(&[("general", qty)]), customer: None }
}

pub fn hold(name: &str, qty: u64, ttl_ms: u64) -> CommandKind {
    CommandKind::Hold {
        event: event(name),
        items: items(&[("general", qty)]),
        customer: None,
        ttl_ms: Some(ttl_ms),
    }
}

pub fn keyed(kind: CommandKind, text: &str) -> Request {
    Request { key: Some(key(text)), ..Request::new(kind) }
}

pub fn id(number: u8) -> HoldId {
    HoldId::new(1, [number; 10])
}

/// Decides and commits one command as the engine would; its id is that of `number`.
pub async fn run<S: Store>(
    store: &mut S,
    limits: &Limits,
    number: u8,
    kind: CommandKind,
    key: Option<IdempotencyKey>,
    now_ms: u64,
) -> Reply {
    let command = Command { id: id(number), kind };
    let commands = std::iter::once((&command, key.as_ref()));
    run_batch(store, limits, commands, Vec::new(), now_ms, Durability::Synced)
        .await
        .unwrap()
        .replies
        .remove(0)
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
        // A busy machine is no hung process.
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
