//! The format of an embedded store: raised by the first record about money, and not before.

use std::{fs, path::Path};

use inventory::{Hold, Limits, ledger::Record};
use inventory_audit::{
    transfer::{backup, restore},
    verify::{VerifyOptions, verify_backup, verify_data_dir},
};
use inventory_embedded::{
    DataDir, DataDirError, EmbeddedOptions, EmbeddedStore, StagedRestore, check_format,
};
use inventory_store::{Durability, OwnedStore, Store, StoreError, run_batch, testing::id};

use super::{
    first::{MONEY_MS, first_about_money, without_money},
    shop::{T, eur, hold, paid, priced, start},
};
use crate::support::{copy_dir, customer, event, open, run};

fn format(dir: &Path) -> String {
    fs::read_to_string(dir.join("db/FORMAT")).unwrap()
}

/// A store in which nothing is about money.
async fn old_store(dir: &Path) -> EmbeddedStore {
    let (limits, mut store) = (Limits::default(), open(dir));
    for (number, kind, now_ms) in without_money() {
        let _ = run(&mut store, &limits, number, kind, None, now_ms).await;
        assert_eq!(format(dir), "1\n");
    }
    store
}

async fn records(store: &EmbeddedStore) -> Vec<Record> {
    let stored = store.reader().records(&event("default"), 0, 1_000).await.unwrap();
    stored.iter().map(|record| Record::from_body(&record.body).unwrap()).collect()
}

async fn verify(dir: &Path) {
    let before = format(dir);
    verify_data_dir(dir, &VerifyOptions::default(), |_| {}).await.unwrap();
    assert_eq!(format(dir), before, "verifying changed the format");
}

fn restore_into(dir: &Path, from: &Path) {
    let data = DataDir::lock(dir.to_owned()).unwrap();
    let staged = StagedRestore::beside(data.path()).unwrap();
    restore(from, &staged, &EmbeddedOptions::default(), |_| true).unwrap();
    staged.accept().unwrap();
}

#[tokio::test]
async fn store_without_money_keeps_its_format() {
    let dir = tempfile::tempdir().unwrap();
    let store = old_store(&dir.path().join("data")).await;
    assert!(records(&store).await.iter().all(|record| record.change.format() == 1));
    let (views, source) = (store.views(), store.ledger_source());
    backup(&source, &dir.path().join("copy"), |_| true).unwrap();
    drop((store, source));
    verify(&dir.path().join("data")).await;
    assert_eq!(open(&dir.path().join("data")).views(), views);
    assert_eq!(format(&dir.path().join("data")), "1\n");
    check_format(&dir.path().join("data/db")).unwrap();
    // A restore of its ledger does not raise it either.
    restore_into(&dir.path().join("other"), &dir.path().join("copy"));
    assert_eq!(open(&dir.path().join("other")).views(), views);
    assert_eq!(format(&dir.path().join("other")), "1\n");
}

#[tokio::test]
async fn first_record_about_money_raises_the_format() {
    let limits = Limits::default();
    for (what, kind) in first_about_money() {
        let dir = tempfile::tempdir().unwrap();
        let (data, other) = (dir.path().join("data"), dir.path().join("other"));
        let mut store = old_store(&data).await;
        let count = records(&store).await.len();
        let _ = run(&mut store, &limits, 100, kind, None, MONEY_MS).await;
        assert_eq!(format(&data), "2\n", "{what}");
        let all = records(&store).await;
        assert!(all.len() == count + 1 && all[count].change.format() == 2, "{what}");
        let (views, source) = (store.views(), store.ledger_source());
        let held = store.reader().hold(id(2)).await.unwrap();
        backup(&source, &dir.path().join("copy"), |_| true).unwrap();
        drop((store, source));
        verify(&data).await;
        check_format(&data.join("db")).unwrap();
        let store = open(&data);
        assert_eq!((store.views(), format(&data)), (views.clone(), "2\n".to_owned()), "{what}");
        assert_eq!(store.reader().hold(id(2)).await.unwrap(), held, "{what}");
        // A copy has the format that its records need.
        verify_backup(&dir.path().join("copy"), &VerifyOptions::default(), |_| {}).await.unwrap();
        restore_into(&other, &dir.path().join("copy"));
        let store = open(&other);
        assert_eq!((store.views(), format(&other)), (views, "2\n".to_owned()), "{what}");
        assert_eq!(store.reader().hold(id(2)).await.unwrap(), held, "{what}");
        drop(store);
        verify(&other).await;
    }
}

#[tokio::test]
async fn restored_store_has_the_format_of_its_own_records() {
    let dir = tempfile::tempdir().unwrap();
    let (old, new) = (dir.path().join("old"), dir.path().join("new"));
    let store = old_store(&old).await;
    backup(&store.ledger_source(), &dir.path().join("copy"), |_| true).unwrap();
    let mut store = open(&new);
    run(&mut store, &Limits::default(), 1, priced(&[("general", 5, Some(eur(1)))]), None, T).await;
    drop(store);
    assert_eq!(format(&new), "2\n");
    // What replaces it has no record about money.
    restore_into(&new, &dir.path().join("copy"));
    open(&new);
    assert_eq!(format(&new), "1\n");
}

#[tokio::test]
async fn record_about_money_is_not_written_before_the_format() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = old_store(dir.path()).await;
    let count = records(&store).await.len();
    // The file cannot be written.
    fs::create_dir(dir.path().join("db/FORMAT.new")).unwrap();
    let command = inventory::Command { id: id(100), kind: start(2, "p") };
    let commands = std::iter::once((&command, None));
    let failed = run_batch(
        &mut store,
        &Limits::default(),
        commands,
        Vec::new(),
        MONEY_MS,
        Durability::Synced,
    )
    .await;
    assert!(matches!(failed, Err(StoreError::Failed(_))), "{failed:?}");
    drop(store);
    fs::remove_dir(dir.path().join("db/FORMAT.new")).unwrap();
    let mut store = open(dir.path());
    assert_eq!((records(&store).await.len(), format(dir.path())), (count, "1\n".to_owned()));
    run(&mut store, &Limits::default(), 100, start(2, "p"), None, MONEY_MS).await.result.unwrap();
    assert_eq!(format(dir.path()), "2\n");
}

#[tokio::test]
async fn format_of_a_newer_version_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (data, copy) = (dir.path().join("data"), dir.path().join("copy"));
    drop(old_store(&data).await);
    for (text, found) in [("4\n", 4), ("4", 4), ("12\n", 12)] {
        fs::write(data.join("db/FORMAT"), text).unwrap();
        let refused = EmbeddedStore::open(&data, &EmbeddedOptions::default());
        assert!(matches!(refused, Err(DataDirError::Newer { found: version }) if version == found));
        let refused = check_format(&data.join("db"));
        assert!(matches!(refused, Err(DataDirError::Newer { found: version }) if version == found));
        verify_data_dir(&data, &VerifyOptions::default(), |_| {}).await.unwrap_err();
        assert_eq!(format(&data), text);
    }
    // One that was raised and has no such record, as after a crash in between, is good.
    fs::write(data.join("db/FORMAT"), "2\n").unwrap();
    copy_dir(&data, &copy);
    verify(&copy).await;
    open(&copy);
    assert_eq!(format(&copy), "2\n");
}

/// The row of a hold, as the store has it.
fn row(dir: &Path, number: u8) -> Vec<u8> {
    let db = fjall::Database::builder(dir.join("db/tables")).open().unwrap();
    let holds = db.keyspace("holds", fjall::KeyspaceCreateOptions::default).unwrap();
    holds.get(id(number).as_bytes()).unwrap().unwrap().to_vec()
}

/// The row that versions before prices and payments wrote of hold 2: 2 of stock `general` of event
/// `default`, for customer `c`, made at 1,000 ms, held until 61,000 ms.
fn old_row() -> Vec<u8> {
    let hold = id(2);
    let parts: [&[u8]; 11] = [
        &[16],
        hold.as_bytes(),
        b"\x07default",
        // One item; none sold.
        &[1, 2],
        b"\x07general",
        &[0],
        // Customer, state.
        b"\x01\x01c\0",
        // 1,000 and 61,000.
        &[0xe8, 0x07],
        &[0xc8, 0xdc, 0x03],
        // No payment, and seq 2.
        &[0, 2],
        // Not confirmed.
        &[0],
    ];
    parts.concat()
}

#[tokio::test]
async fn rows_of_older_versions_are_read_and_written_unchanged() {
    let dir = tempfile::tempdir().unwrap();
    let limits = Limits::default();
    let mut store = open(dir.path());
    run(&mut store, &limits, 1, priced(&[("general", 9, None)]), None, 1_000).await;
    let mut kind = hold(&[("general", 2)], 60_000);
    if let inventory::CommandKind::Hold { customer: who, .. } = &mut kind {
        *who = Some(customer("c"));
    }
    run(&mut store, &limits, 2, kind, None, 1_000).await.result.unwrap();
    let written = store.reader().hold(id(2)).await.unwrap().unwrap();
    drop(store);
    assert_eq!(row(dir.path(), 2), old_row());
    // One that an older version wrote.
    let db = fjall::Database::builder(dir.path().join("db/tables")).open().unwrap();
    let holds = db.keyspace("holds", fjall::KeyspaceCreateOptions::default).unwrap();
    holds.insert(id(2).as_bytes(), old_row()).unwrap();
    db.persist(fjall::PersistMode::SyncAll).unwrap();
    drop((holds, db));
    let mut store = open(dir.path());
    let read: Hold = store.reader().hold(id(2)).await.unwrap().unwrap();
    assert_eq!((&read, &read.terms), (&written, &inventory::HoldTerms::default()));
    verify_of(&store).await;
    // What it says about money is appended.
    run(&mut store, &limits, 3, start(2, "p"), None, 2_000).await.result.unwrap();
    let started = store.reader().hold(id(2)).await.unwrap().unwrap();
    assert_eq!(started.terms.payment_started, Some(paid("p")));
    drop(store);
    let new = row(dir.path(), 2);
    // No total, the payment, no refunds.
    assert!(new.ends_with(b"\0\x01\x01p\0") && new[..17] == old_row()[..17], "{new:?}");
    assert_eq!(open(dir.path()).reader().hold(id(2)).await.unwrap().unwrap(), started);
    verify(dir.path()).await;
}

async fn verify_of(store: &EmbeddedStore) {
    let stored = store.reader().records(&event("default"), 0, 1_000).await.unwrap();
    let entries = stored.into_iter().map(|entry| (event("default"), entry.seq, entry.body));
    crate::verify::audit(entries, &Limits::default()).unwrap().finish().unwrap();
}

#[tokio::test]
async fn row_with_damaged_terms_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = old_store(dir.path()).await;
    run(&mut store, &Limits::default(), 100, start(2, "p"), None, MONEY_MS).await.result.unwrap();
    drop(store);
    let good = row(dir.path(), 2);
    for (what, bad) in [
        ("cut", good[..good.len() - 1].to_vec()),
        ("wrong tag", [&good[..good.len() - 1], &[9]].concat()),
        ("lost terms", good[..good.len() - 5].to_vec()),
    ] {
        let db = fjall::Database::builder(dir.path().join("db/tables")).open().unwrap();
        let holds = db.keyspace("holds", fjall::KeyspaceCreateOptions::default).unwrap();
        holds.insert(id(2).as_bytes(), bad).unwrap();
        db.persist(fjall::PersistMode::SyncAll).unwrap();
        drop((holds, db));
        let error =
            verify_data_dir(dir.path(), &VerifyOptions::default(), |_| {}).await.unwrap_err();
        assert!(error.to_string().contains("table holds"), "{what}: {error}");
        if what != "lost terms" {
            let read = open(dir.path()).reader().hold(id(2)).await;
            assert!(matches!(read, Err(StoreError::Damaged(_))), "{what}: {read:?}");
        }
    }
}
