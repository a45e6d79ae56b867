//! What every store does alike: the same tests on each of them.

use inventory::{
    Command, CommandKind, HoldId, Limits, RefusalKind,
    engine::run_batch,
    store::{
        Durability, EmbeddedStore, EventView, MemoryStore, OwnedStore, SharedReader, Store,
        postgres::PostgresStore,
    },
};
use tempfile::TempDir;

use crate::support::{Database, event, hold, id, key, open, put, reserve, run};

/// A store that is empty at first, and can be closed and opened again.
pub trait Kit {
    type Store: Store;

    async fn open(&mut self) -> Self::Store;

    async fn views(&self, store: &Self::Store) -> Vec<EventView>;
}

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

async fn a_key_answers_until_its_time_is_over_and_then_its_effect_can_happen_again(
    mut kit: impl Kit,
) {
    let limits = Limits { key_ttl_ms: 1_000, ..Limits::default() };
    let mut store = kit.open().await;
    run(&mut store, &limits, 1, put("default", &[("general", 10)]), None, 1_000).await;
    let first = run(&mut store, &limits, 2, reserve("default", 1), Some(key("k")), 2_000).await;
    drop(store);
    let mut store = kit.open().await;
    let again = run(&mut store, &limits, 3, reserve("default", 1), Some(key("k")), 2_999).await;
    assert_eq!((again.result, again.replayed), (first.result.clone(), true));
    let later = run(&mut store, &limits, 4, reserve("default", 1), Some(key("k")), 3_000).await;
    assert!(!later.replayed && later.result.is_ok() && later.result != first.result);
    // The old number of the key is forgotten, its new one is not.
    run(&mut store, &limits, 5, reserve("default", 1), Some(key("other")), 3_001).await;
    let again = run(&mut store, &limits, 6, reserve("default", 1), Some(key("k")), 3_002).await;
    assert_eq!((again.result, again.replayed), (later.result, true));
}

async fn keys_outlive_a_ledger_that_is_ahead_of_the_clock(mut kit: impl Kit) {
    let limits = Limits { key_ttl_ms: 1_000, ..Limits::default() };
    let mut store = kit.open().await;
    run(&mut store, &limits, 1, put("default", &[("general", 10)]), None, 1_000_000).await;
    // The clock is set back; the ledger's time is not.
    let first = run(&mut store, &limits, 2, reserve("default", 1), Some(key("k")), 1_000).await;
    for number in 3..6 {
        run(
            &mut store,
            &limits,
            number,
            reserve("default", 1),
            Some(key(&format!("k{number}"))),
            1_001,
        )
        .await;
    }
    let again = run(&mut store, &limits, 7, reserve("default", 1), Some(key("k")), 1_002).await;
    assert_eq!((again.result, again.replayed), (first.result, true));
}

async fn a_great_many_holds_run_out_at_once_in_parts(mut kit: impl Kit) {
    let limits = Limits::default();
    let mut store = kit.open().await;
    run(&mut store, &limits, 1, put("default", &[("general", 100_000)]), None, 1_000).await;
    let held: Vec<_> = (0..10_000_u64)
        .map(|number| {
            let mut random = [0; 10];
            random[2..].copy_from_slice(&number.to_be_bytes());
            Command { id: HoldId::new(1_000, random), kind: hold("default", 1, 500) }
        })
        .collect();
    let commands = held.iter().map(|command| (command, None));
    run_batch(&mut store, &limits, commands, Vec::new(), 1_000, Durability::Buffered)
        .await
        .unwrap();
    let late = Command { id: id(200), kind: reserve("default", 1) };
    let done = run_batch(
        &mut store,
        &limits,
        std::iter::once((&late, None)),
        Vec::new(),
        1_500,
        Durability::Buffered,
    )
    .await
    .unwrap();
    assert_eq!(done.records, 10_001);
    assert_eq!(done.replies[0].seq, 1 + 10_000 + 10_000 + 1);
    let counts = kit.views(&store).await[0].event.stocks[0].1;
    assert_eq!((counts.held, counts.sold), (0, 1));
}

async fn holds_of_all_events_together_are_bounded(mut kit: impl Kit) {
    let limits = Limits { live_holds_max: 3, ..Limits::default() };
    let mut store = kit.open().await;
    for (number, name) in [(1, "a"), (2, "b")] {
        run(&mut store, &limits, number, put(name, &[("general", 10)]), None, 1_000).await;
    }
    for (number, name) in [(3, "a"), (4, "b"), (5, "a")] {
        run(&mut store, &limits, number, hold(name, 1, 500), None, 1_000).await.result.unwrap();
    }
    let refused =
        run(&mut store, &limits, 6, hold("b", 1, 500), None, 1_000).await.result.unwrap_err();
    assert_eq!(refused.kind, RefusalKind::TooManyHolds(3));
    run(&mut store, &limits, 7, hold("a", 1, 500), None, 1_500).await.result.unwrap();
}

async fn an_extension_with_a_key_that_changes_nothing_is_answered_the_same_later(
    mut kit: impl Kit,
) {
    let limits = Limits::default();
    let mut store = kit.open().await;
    run(&mut store, &limits, 1, put("default", &[("general", 10)]), None, 1_000).await;
    run(&mut store, &limits, 2, hold("default", 1, 3_000), None, 1_000).await.result.unwrap();
    let extend = || CommandKind::Extend { hold: id(2), ttl_ms: 2_000 };
    let first = run(&mut store, &limits, 3, extend(), Some(key("e")), 1_500).await;
    let again = run(&mut store, &limits, 4, extend(), Some(key("e")), 3_500).await;
    assert_eq!((again.result, again.seq, again.replayed), (first.result, first.seq, true));
}

async fn events_whose_names_are_prefixes_of_each_other_keep_apart(mut kit: impl Kit) {
    let limits = Limits::default();
    let mut store = kit.open().await;
    for (number, name) in (1..).zip(["a", "a-b", "a.b", "ab"]) {
        run(&mut store, &limits, number, put(name, &[("general", 10)]), None, 1_000).await;
        run(&mut store, &limits, number + 10, hold(name, u64::from(number), 500), None, 1_000)
            .await;
    }
    for (number, name) in (1..).zip(["a", "a-b", "a.b", "ab"]) {
        let records = store.reader().records(&event(name), 0, 100).await.unwrap();
        assert_eq!(records.iter().map(|record| record.seq).collect::<Vec<_>>(), [1, 2], "{name}");
        run(
            &mut store,
            &limits,
            number + 20,
            CommandKind::Expire { event: event(name) },
            None,
            1_500,
        )
        .await;
        let held: Vec<_> =
            kit.views(&store).await.iter().map(|view| view.event.stocks[0].1.held).collect();
        assert_eq!(held.iter().filter(|held| **held == 0).count(), usize::from(number), "{name}");
    }
}

/// Each test on each store.
macro_rules! on_every_store {
    ($($name:ident),* $(,)?) => {
        mod memory {
            $(#[tokio::test] async fn $name() { super::$name(super::Memory::new().await).await; })*
        }
        mod embedded {
            $(#[tokio::test] async fn $name() { super::$name(super::Embedded::new().await).await; })*
        }
        mod postgres {
            $(#[tokio::test] async fn $name() { super::$name(super::Shared::new().await).await; })*
        }
    };
}

on_every_store!(
    a_key_answers_until_its_time_is_over_and_then_its_effect_can_happen_again,
    keys_outlive_a_ledger_that_is_ahead_of_the_clock,
    a_great_many_holds_run_out_at_once_in_parts,
    holds_of_all_events_together_are_bounded,
    an_extension_with_a_key_that_changes_nothing_is_answered_the_same_later,
    events_whose_names_are_prefixes_of_each_other_keep_apart,
);
