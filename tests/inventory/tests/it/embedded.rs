//! The embedded store: one owner, known format, nothing lost by closing.

use std::{
    fs,
    path::{Path, PathBuf},
};

use inventory::Limits;
use inventory_embedded::{DataDir, DataDirError, EmbeddedOptions, EmbeddedStore};
use inventory_store::OwnedStore;

use crate::support::{copy_dir, hold, key, open, put, reserve, run};

#[tokio::test]
async fn second_process_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let first = open(dir.path());
    assert!(matches!(
        EmbeddedStore::open(dir.path(), &EmbeddedOptions::default()),
        Err(DataDirError::Locked(_))
    ));
    drop(first);
    open(dir.path());
}

#[tokio::test]
async fn newer_format_is_refused_and_unchanged() {
    let dir = tempfile::tempdir().unwrap();
    drop(open(dir.path()));
    fs::write(dir.path().join("db/FORMAT"), "99\n").unwrap();
    let refused = EmbeddedStore::open(dir.path(), &EmbeddedOptions::default());
    assert!(matches!(refused, Err(DataDirError::Newer { found: 99 })));
    assert_eq!(fs::read_to_string(dir.path().join("db/FORMAT")).unwrap(), "99\n");
}

#[tokio::test]
async fn missing_or_unreadable_format_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    drop(open(dir.path()));
    fs::write(dir.path().join("db/FORMAT"), "x").unwrap();
    assert!(matches!(
        EmbeddedStore::open(dir.path(), &EmbeddedOptions::default()),
        Err(DataDirError::Io { .. })
    ));
    fs::remove_file(dir.path().join("db/FORMAT")).unwrap();
    assert!(matches!(
        EmbeddedStore::open(dir.path(), &EmbeddedOptions::default()),
        Err(DataDirError::Io { .. })
    ));
}

#[tokio::test]
async fn older_format_is_migrated_from_its_ledger() {
    let dir = tempfile::tempdir().unwrap();
    let limits = Limits::default();
    let mut store = open(dir.path());
    run(&mut store, &limits, 1, put("default", &[("general", 10)]), None, 1_000).await;
    let sold = run(&mut store, &limits, 2, reserve("default", 3), Some(key("k")), 1_001).await;
    run(&mut store, &limits, 3, hold("default", 2, 60_000), None, 1_002).await;
    let before = store.views();
    drop(store);
    // Format 0 is a directory with the ledger; its other contents are not reliable.
    fs::write(dir.path().join("db/FORMAT"), "0\n").unwrap();
    let mut store = open(dir.path());
    assert_eq!(store.views(), before);
    assert_eq!(fs::read_to_string(dir.path().join("db/FORMAT")).unwrap(), "1\n");
    let again = run(&mut store, &limits, 4, reserve("default", 3), Some(key("k")), 1_003).await;
    assert_eq!((again.result, again.seq, again.replayed), (sold.result, sold.seq, true));
}

#[tokio::test]
async fn oldest_keys_beyond_the_bound_are_deleted() {
    let dir = tempfile::tempdir().unwrap();
    let limits = Limits { keys_max: 5, ..Limits::default() };
    let options = EmbeddedOptions { keys_max: 5, ..EmbeddedOptions::default() };
    let mut store = EmbeddedStore::open(dir.path(), &options).unwrap();
    run(&mut store, &limits, 0, put("default", &[("general", 100)]), None, 1_000).await;
    for number in 1..=8 {
        run(
            &mut store,
            &limits,
            number,
            reserve("default", 1),
            Some(key(&format!("k{number}"))),
            1_000,
        )
        .await;
    }
    drop(store);
    let mut store = EmbeddedStore::open(dir.path(), &options).unwrap();
    for (number, known) in [(8, true), (4, true), (3, false)] {
        let reply = run(
            &mut store,
            &limits,
            20 + number,
            reserve("default", 1),
            Some(key(&format!("k{number}"))),
            1_000,
        )
        .await;
        assert_eq!(reply.replayed, known, "k{number}");
    }
}

#[tokio::test]
async fn interrupted_start_does_not_block_the_next() {
    let limits = Limits::default();
    for leftover in ["db.new", "db.staging"] {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join(leftover).join("tables")).unwrap();
        fs::write(dir.path().join(leftover).join("tables/0.jnl"), "x").unwrap();
        let mut store = open(dir.path());
        run(&mut store, &limits, 1, put("default", &[("general", 10)]), None, 1_000).await;
        drop(store);
        assert_eq!(open(dir.path()).views().len(), 1, "{leftover}");
    }
}

#[tokio::test]
async fn missing_store_is_not_created() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("nowhere");
    assert!(matches!(DataDir::lock_existing(path.clone()), Err(DataDirError::Missing(_))));
    assert!(!path.exists());
}

/// A store in which every sale was acknowledged, as it is after a crash: nothing was closed in
/// order.
async fn crashed(dir: &Path, sales: u8) {
    let limits = Limits::default();
    let live = dir.join("live");
    let mut store = open(&live);
    run(&mut store, &limits, 0, put("default", &[("general", 1_000)]), None, 1_000).await;
    for number in 1..=sales {
        run(
            &mut store,
            &limits,
            number,
            reserve("default", 1),
            Some(key(&format!("k{number}"))),
            1_000,
        )
        .await;
    }
    copy_dir(&live, &dir.join("copy"));
}

/// The store's newest records, in the order of their writing.
fn journal(dir: &Path) -> PathBuf {
    let mut files = fs::read_dir(dir.join("db/tables")).unwrap().map(|entry| entry.unwrap().path());
    files.find(|path| path.extension().is_some_and(|kind| kind == "jnl")).unwrap()
}

#[tokio::test]
async fn flipped_journal_bit_is_never_a_silent_loss() {
    let (dir, sales) = (tempfile::tempdir().unwrap(), 40);
    crashed(dir.path(), sales).await;
    let copy = dir.path().join("copy");
    let journal = journal(&copy);
    let watermark = fs::read(copy.join("db/WATERMARK")).unwrap();
    let whole = fs::read(&journal).unwrap();
    let used = whole.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    let (mut refused, mut intact) = (0, 0);
    for at in (0..used).step_by(used / 60) {
        let mut flipped = whole.clone();
        flipped[at] ^= 0x10;
        let tried = dir.path().join("tried");
        let _ = fs::remove_dir_all(&tried);
        copy_dir(&copy, &tried);
        fs::write(tried.join("db/tables").join(journal.file_name().unwrap()), &flipped).unwrap();
        assert_eq!(fs::read(tried.join("db/WATERMARK")).unwrap(), watermark);
        // The store's own debug assertions may panic on such a file; that is a refusal as well.
        match std::panic::catch_unwind(|| EmbeddedStore::open(&tried, &EmbeddedOptions::default()))
        {
            Ok(Ok(store)) => {
                assert_eq!(
                    store.views()[0].event.seq,
                    u64::from(sales) + 1,
                    "byte {at} was flipped, and sales are gone"
                );
                intact += 1;
            }
            Ok(Err(_)) | Err(_) => refused += 1,
        }
    }
    assert!(refused > 30, "{refused} refused, {intact} intact");
}

#[tokio::test]
async fn truncated_journal_is_refused_until_loss_is_accepted() {
    let dir = tempfile::tempdir().unwrap();
    crashed(dir.path(), 20).await;
    let copy = dir.path().join("copy");
    let journal = journal(&copy);
    let whole = fs::read(&journal).unwrap();
    let used = whole.iter().rposition(|byte| *byte != 0).unwrap();
    fs::write(&journal, &whole[..used / 2]).unwrap();
    let Err(DataDirError::Shortened { expected, found, watermark }) =
        EmbeddedStore::open(&copy, &EmbeddedOptions::default())
    else {
        panic!("it was not refused")
    };
    assert!(expected == 21 && found < 21);
    fs::remove_file(watermark).unwrap();
    assert_eq!(open(&copy).views()[0].event.seq, found);
}
