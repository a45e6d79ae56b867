//! Backup and restore: what comes back is what was there, or a clear refusal.

use std::fs;
use std::path::Path;

use inventory::store::{DataDir, EmbeddedOptions, StagedRestore, Store};
use inventory::transfer::{TransferError, backup, restore};
use inventory::{Engine, Limits, Request};

use crate::support::{TestClock, event, hold, keyed, open, put, reserve, start};

async fn filled(engine: &Engine) {
    engine.submit(Request::new(put("default", &[("general", 1_000), ("vip", 5)]))).await.unwrap().result.unwrap();
    engine.submit(Request::new(put("other", &[("general", 50)]))).await.unwrap().result.unwrap();
    for number in 0..40 {
        engine.submit(keyed(reserve("default", 1), &format!("k{number}"))).await.unwrap().result.unwrap();
        engine.submit(Request::new(hold("other", 1, 1_000 + number))).await.unwrap().result.unwrap();
    }
}

fn restore_into(dir: &Path, from: &Path) -> Result<(), TransferError> {
    let data = DataDir::lock(dir.to_owned())?;
    let staged = StagedRestore::beside(data.path());
    restore(from, staged.path(), &EmbeddedOptions::default(), |_| {})?;
    Ok(staged.accept()?)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_of_a_running_store_restores_to_the_same_state() {
    let (data, copies, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let clock = TestClock::at(1_000);
    let store = open(data.path());
    let source = store.ledger_source();
    let engine = start(store, &clock);
    filled(&engine).await;
    let copy = copies.path().join("monday");
    let manifest = backup(&source, &copy, |_| {}).unwrap();
    assert_eq!(manifest.records, 82);
    let at_backup = engine.published();
    let first = engine.submit(keyed(reserve("default", 1), "k7")).await.unwrap();
    engine.submit(Request::new(reserve("default", 100))).await.unwrap().result.unwrap();
    assert!(matches!(backup(&source, &copy, |_| {}), Err(TransferError::NotEmpty(_))));

    restore_into(other.path(), &copy).unwrap();
    let restored = open(other.path());
    assert_eq!(restored.views(), at_backup.iter().map(|view| (**view).clone()).collect::<Vec<_>>());
    let engine = start(restored, &clock);
    let again = engine.submit(keyed(reserve("default", 1), "k7")).await.unwrap();
    assert!(again.replayed);
    assert_eq!(again.result, first.result);
}

#[tokio::test(flavor = "multi_thread")]
async fn restoring_over_a_store_keeps_the_old_one_beside_it() {
    let (data, copies) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let clock = TestClock::at(1_000);
    let store = open(data.path());
    let copy = copies.path().join("empty");
    backup(&store.ledger_source(), &copy, |_| {}).unwrap();
    let engine = start(store, &clock);
    filled(&engine).await;
    engine.stop().await;
    restore_into(data.path(), &copy).unwrap();
    assert!(open(data.path()).views().is_empty());
    assert!(data.path().join("db.replaced").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_altered_backup_is_refused_and_the_store_is_left_as_it_was() {
    let (data, copies) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let store = open(data.path());
    let source = store.ledger_source();
    let engine = start(store, &TestClock::at(1_000));
    filled(&engine).await;
    let copy = copies.path().join("copy");
    backup(&source, &copy, |_| {}).unwrap();
    drop(source);
    engine.stop().await;
    drop(engine);
    let path = copy.join("ledger.jsonl");
    let good = fs::read_to_string(&path).unwrap();
    let lines: Vec<_> = good.lines().collect();
    let without =
        |number: usize| lines.iter().enumerate().filter(|(at, _)| *at != number).map(|(_, line)| format!("{line}\n")).collect::<String>();
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
