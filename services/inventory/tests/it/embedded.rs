//! The embedded store: one owner, known format, nothing lost by closing.

use std::fs;

use inventory::engine::run_batch;
use inventory::store::{DataDirError, Durability, EmbeddedOptions, EmbeddedStore, Store};
use inventory::{Command, CommandKind, HoldId, IdempotencyKey, Limits};

use crate::support::{event, hold, key, open, put, reserve};

fn id(number: u8) -> HoldId {
    HoldId::new(1, [number; 10])
}

async fn run(
    store: &mut EmbeddedStore,
    limits: &Limits,
    number: u8,
    kind: CommandKind,
    key: Option<IdempotencyKey>,
    now_ms: u64,
) -> inventory::Reply {
    let command = Command { id: id(number), kind };
    let commands = std::iter::once((&command, key.as_ref()));
    run_batch(store, limits, commands, Vec::new(), now_ms, Durability::Synced).await.unwrap().replies.remove(0)
}

#[tokio::test]
async fn a_second_process_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let first = open(dir.path());
    assert!(matches!(EmbeddedStore::open(dir.path(), &EmbeddedOptions::default()), Err(DataDirError::Locked(_))));
    drop(first);
    open(dir.path());
}

#[tokio::test]
async fn a_newer_format_is_refused_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    drop(open(dir.path()));
    fs::write(dir.path().join("FORMAT"), "99\n").unwrap();
    let refused = EmbeddedStore::open(dir.path(), &EmbeddedOptions::default());
    assert!(matches!(refused, Err(DataDirError::Newer { found: 99 })));
    assert_eq!(fs::read_to_string(dir.path().join("FORMAT")).unwrap(), "99\n");
}

#[tokio::test]
async fn a_missing_or_unreadable_format_is_an_error_not_a_new_store() {
    let dir = tempfile::tempdir().unwrap();
    drop(open(dir.path()));
    fs::write(dir.path().join("FORMAT"), "x").unwrap();
    assert!(matches!(EmbeddedStore::open(dir.path(), &EmbeddedOptions::default()), Err(DataDirError::Io { .. })));
    fs::remove_file(dir.path().join("FORMAT")).unwrap();
    assert!(matches!(EmbeddedStore::open(dir.path(), &EmbeddedOptions::default()), Err(DataDirError::Io { .. })));
}

#[tokio::test]
async fn an_older_format_is_migrated_from_its_ledger() {
    let dir = tempfile::tempdir().unwrap();
    let limits = Limits::default();
    let mut store = open(dir.path());
    run(&mut store, &limits, 1, put("default", &[("general", 10)]), None, 1_000).await;
    let sold = run(&mut store, &limits, 2, reserve("default", 3), Some(key("k")), 1_001).await;
    run(&mut store, &limits, 3, hold("default", 2, 60_000), None, 1_002).await;
    let before = store.views();
    drop(store);
    // Format 0 is a directory that has the ledger; whatever else is in it cannot be relied on.
    fs::write(dir.path().join("FORMAT"), "0\n").unwrap();
    let mut store = open(dir.path());
    assert_eq!(store.views(), before);
    assert_eq!(fs::read_to_string(dir.path().join("FORMAT")).unwrap(), "1\n");
    let again = run(&mut store, &limits, 4, reserve("default", 3), Some(key("k")), 1_003).await;
    assert_eq!((again.result, again.seq, again.replayed), (sold.result, sold.seq, true));
}

#[tokio::test]
async fn a_key_answers_until_its_time_is_over_and_then_its_effect_can_happen_again() {
    let dir = tempfile::tempdir().unwrap();
    let limits = Limits { key_ttl_ms: 1_000, ..Limits::default() };
    let mut store = open(dir.path());
    run(&mut store, &limits, 1, put("default", &[("general", 10)]), None, 1_000).await;
    let first = run(&mut store, &limits, 2, reserve("default", 1), Some(key("k")), 2_000).await;
    drop(store);
    let mut store = open(dir.path());
    let again = run(&mut store, &limits, 3, reserve("default", 1), Some(key("k")), 2_999).await;
    assert_eq!((again.result, again.replayed), (first.result.clone(), true));
    let later = run(&mut store, &limits, 4, reserve("default", 1), Some(key("k")), 3_000).await;
    assert!(!later.replayed && later.result.is_ok() && later.result != first.result);
    // The old number of the key is forgotten, its new one is not.
    run(&mut store, &limits, 5, reserve("default", 1), Some(key("other")), 3_001).await;
    let again = run(&mut store, &limits, 6, reserve("default", 1), Some(key("k")), 3_002).await;
    assert_eq!((again.result, again.replayed), (later.result, true));
}

#[tokio::test]
async fn beyond_the_bound_on_keys_the_oldest_go_first() {
    let dir = tempfile::tempdir().unwrap();
    let limits = Limits { keys_max: 5, ..Limits::default() };
    let options = EmbeddedOptions { keys_max: 5, ..EmbeddedOptions::default() };
    let mut store = EmbeddedStore::open(dir.path(), &options).unwrap();
    run(&mut store, &limits, 0, put("default", &[("general", 100)]), None, 1_000).await;
    for number in 1..=8 {
        run(&mut store, &limits, number, reserve("default", 1), Some(key(&format!("k{number}"))), 1_000).await;
    }
    drop(store);
    let mut store = EmbeddedStore::open(dir.path(), &options).unwrap();
    for (number, known) in [(8, true), (4, true), (3, false)] {
        let reply = run(&mut store, &limits, 20 + number, reserve("default", 1), Some(key(&format!("k{number}"))), 1_000).await;
        assert_eq!(reply.replayed, known, "k{number}");
    }
}

#[tokio::test]
async fn events_whose_names_are_prefixes_of_each_other_keep_apart() {
    let dir = tempfile::tempdir().unwrap();
    let limits = Limits::default();
    let mut store = open(dir.path());
    for (number, name) in (1..).zip(["a", "a-b", "a.b", "ab"]) {
        run(&mut store, &limits, number, put(name, &[("general", 10)]), None, 1_000).await;
        run(&mut store, &limits, number + 10, hold(name, u64::from(number), 500), None, 1_000).await;
    }
    for (number, name) in (1..).zip(["a", "a-b", "a.b", "ab"]) {
        let records = store.reader().records(&event(name), 0, 100).await.unwrap();
        assert_eq!(records.iter().map(|record| record.seq).collect::<Vec<_>>(), [1, 2], "{name}");
        run(&mut store, &limits, number + 20, CommandKind::Expire { event: event(name) }, None, 1_500).await;
        let held: Vec<_> = store.views().iter().map(|view| view.event.stocks[0].1.held).collect();
        assert_eq!(held.iter().filter(|held| **held == 0).count(), usize::from(number), "{name}");
    }
}
