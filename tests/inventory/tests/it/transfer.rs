//! Backup and restore: the same contents come back, or a clear refusal.

use std::{fs, path::Path};

use inventory::Limits;
use inventory_audit::transfer::{TransferError, backup, restore};
use inventory_embedded::{DataDir, EmbeddedOptions, StagedRestore};
use inventory_engine::{Engine, Request};
use inventory_store::OwnedStore;

use crate::support::{TestClock, event, hold, keyed, open, put, reserve, start};

async fn filled(engine: &Engine) {
    engine
        .submit(Request::new(put("default", &[("general", 1_000), ("vip", 5)])))
        .await
        .unwrap()
        .result
        .unwrap();
    engine.submit(Request::new(put("other", &[("general", 50)]))).await.unwrap().result.unwrap();
    for number in 0..40 {
        engine
            .submit(keyed(reserve("default", 1), &format!("k{number}")))
            .await
            .unwrap()
            .result
            .unwrap();
        engine
            .submit(Request::new(hold("other", 1, 1_000 + number)))
            .await
            .unwrap()
            .result
            .unwrap();
    }
}

fn restore_into(dir: &Path, from: &Path) -> Result<(), TransferError> {
    let data = DataDir::lock(dir.to_owned())?;
    let staged = StagedRestore::beside(data.path())?;
    restore(from, &staged, &EmbeddedOptions::default(), |_| true)?;
    Ok(staged.accept()?)
}

#[tokio::test(flavor = "multi_thread")]
async fn backup_of_a_running_store_restores_the_same_state() {
    let (data, copies, other) =
        (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let clock = TestClock::at(1_000);
    let store = open(data.path());
    let source = store.ledger_source();
    let engine = start(store, &clock);
    filled(&engine).await;
    let copy = copies.path().join("monday");
    let manifest = backup(&source, &copy, |_| true).unwrap();
    assert_eq!(manifest.records, 82);
    let at_backup = engine.published();
    let first = engine.submit(keyed(reserve("default", 1), "k7")).await.unwrap();
    engine.submit(Request::new(reserve("default", 100))).await.unwrap().result.unwrap();
    assert!(matches!(backup(&source, &copy, |_| true), Err(TransferError::NotEmpty(_))));

    restore_into(other.path(), &copy).unwrap();
    let restored = open(other.path());
    assert_eq!(restored.views(), at_backup.iter().map(|view| (**view).clone()).collect::<Vec<_>>());
    let engine = start(restored, &clock);
    let again = engine.submit(keyed(reserve("default", 1), "k7")).await.unwrap();
    assert!(again.replayed);
    assert_eq!(again.result, first.result);
}

#[tokio::test(flavor = "multi_thread")]
async fn restore_keeps_the_replaced_store() {
    let (data, copies) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let clock = TestClock::at(1_000);
    let store = open(data.path());
    let copy = copies.path().join("empty");
    backup(&store.ledger_source(), &copy, |_| true).unwrap();
    let engine = start(store, &clock);
    filled(&engine).await;
    engine.stop().await;
    drop(engine);
    restore_into(data.path(), &copy).unwrap();
    assert!(open(data.path()).views().is_empty());
    assert!(data.path().join("db.replaced").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn altered_backup_is_refused_and_store_is_unchanged() {
    let (data, copies) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let store = open(data.path());
    let source = store.ledger_source();
    let engine = start(store, &TestClock::at(1_000));
    filled(&engine).await;
    let copy = copies.path().join("copy");
    backup(&source, &copy, |_| true).unwrap();
    drop(source);
    engine.stop().await;
    drop(engine);
    let path = copy.join("ledger.jsonl");
    let good = fs::read_to_string(&path).unwrap();
    let lines: Vec<_> = good.lines().collect();
    let without = |number: usize| {
        lines
            .iter()
            .enumerate()
            .filter(|(at, _)| *at != number)
            .map(|(_, line)| format!("{line}\n"))
            .collect::<String>()
    };
    let alterations = [
        good.replacen("\"qty\":1", "\"qty\":2", 1),
        good.replacen("\"default\"", "\"defaulu\"", 1),
        good[..good.len() - 1].to_owned(),
        without(0),
        without(20),
        without(lines.len() - 1),
        format!("{good}{}\n", lines[3]),
        String::new(),
    ];
    for altered in alterations {
        assert_ne!(altered, good);
        fs::write(&path, &altered).unwrap();
        assert!(restore_into(data.path(), &copy).is_err());
    }
    fs::write(&path, &good).unwrap();
    let engine = start(open(data.path()), &TestClock::at(1_000));
    let view = engine.event(&event("default")).await.unwrap().unwrap();
    assert_eq!(view.event.seq, 41);
    assert_eq!(engine.limits(), &Limits::default());
}

#[tokio::test]
async fn interrupted_restore_is_finished_or_discarded() {
    let (data, copies) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let store = open(data.path());
    let copy = copies.path().join("empty");
    backup(&store.ledger_source(), &copy, |_| true).unwrap();
    let engine = start(store, &TestClock::at(1_000));
    filled(&engine).await;
    engine.stop().await;
    drop(engine);
    // Ended while it was built: nothing has changed.
    let locked = DataDir::lock(data.path().to_owned()).unwrap();
    let staged = StagedRestore::beside(data.path()).unwrap();
    assert!(matches!(
        restore(&copy, &staged, &EmbeddedOptions::default(), |_| false),
        Err(TransferError::Cancelled)
    ));
    drop(locked);
    assert_eq!(open(data.path()).views().len(), 2);
    // Accepted, and the process killed between the two renames of the opening: it goes on there.
    restore_into(data.path(), &copy).unwrap();
    fs::rename(data.path().join("db"), data.path().join("db.replaced")).unwrap();
    assert!(open(data.path()).views().is_empty());
}

#[tokio::test]
async fn restore_keeps_the_newest_use_of_a_key() {
    let (data, other, copies) =
        (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let clock = TestClock::at(1_000);
    let store = open(data.path());
    let source = store.ledger_source();
    let limits = Limits { key_ttl_ms: 1_000, ..Limits::default() };
    let env = || inventory_engine::Environment::seeded(std::sync::Arc::new(clock.clone()), 1);
    let engine = Engine::start(store, limits.clone(), env()).unwrap();
    for name in ["a", "z"] {
        engine.submit(Request::new(put(name, &[("general", 10)]))).await.unwrap().result.unwrap();
    }
    // First used on the event that comes last in the copy, then, out of time there, on the one that
    // comes first.
    engine.submit(keyed(reserve("z", 1), "k")).await.unwrap().result.unwrap();
    clock.set(2_500);
    let last = engine.submit(keyed(reserve("a", 1), "k")).await.unwrap();
    let copy = copies.path().join("copy");
    backup(&source, &copy, |_| true).unwrap();
    restore_into(other.path(), &copy).unwrap();
    let engine = Engine::start(open(other.path()), limits, env()).unwrap();
    let again = engine.submit(keyed(reserve("a", 1), "k")).await.unwrap();
    assert_eq!((again.result, again.replayed), (last.result, true));
}

#[tokio::test]
async fn read_handle_keeps_the_directory_locked() {
    let data = tempfile::tempdir().unwrap();
    let store = open(data.path());
    let source = store.ledger_source();
    drop(store);
    assert!(matches!(
        DataDir::lock(data.path().to_owned()),
        Err(inventory_embedded::DataDirError::Locked(_))
    ));
    drop(source);
    DataDir::lock(data.path().to_owned()).unwrap();
}
