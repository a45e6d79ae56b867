//! Stopped stores and backups are compared with their ledgers.

use std::{collections::BTreeMap, path::Path};

use inventory::{CommandKind, EventSettings, Outcome};
use inventory_audit::verify::{VerifyError, VerifyOptions, verify_backup, verify_data_dir};
use inventory_embedded::EmbeddedStore;
use inventory_engine::{Engine, Request};
use inventory_store::OwnedStore;

use crate::support::{
    TestClock, customer, event, hold, items, keyed, open, put, reserve, start, stock,
};

async fn filled(engine: &Engine, clock: &TestClock) {
    let limited = EventSettings { limit_per_customer: Some(5), ..EventSettings::default() };
    let put_limited = CommandKind::PutEvent {
        event: event("limited"),
        capacities: BTreeMap::from([(stock("general"), 30)]),
        settings: limited,
        if_settings_seq: None,
        only_create: false,
        draw: None,
    };
    for kind in [put("default", &[("general", 1_000), ("vip", 5)]), put_limited] {
        engine.submit(Request::new(kind)).await.unwrap().result.unwrap();
    }
    for number in 0..60 {
        clock.set(10_000 + number * 7);
        engine
            .submit(keyed(reserve("default", 1), &format!("k{number}")))
            .await
            .unwrap()
            .result
            .unwrap();
        let reply = engine
            .submit(Request::new(hold("default", 1, 50 + number)))
            .await
            .unwrap()
            .result
            .unwrap();
        let Outcome::Held { id, .. } = reply else { panic!() };
        if number % 3 == 0 {
            engine
                .submit(keyed(
                    CommandKind::Confirm {
                        hold: id,
                        payment_ref: None,
                        amount: None,
                        by_seller: false,
                    },
                    &format!("c{number}"),
                ))
                .await
                .unwrap()
                .result
                .unwrap();
        }
        if number % 6 == 0 {
            engine
                .submit(Request::new(CommandKind::Refund { reservation: id, items: None }))
                .await
                .unwrap()
                .result
                .unwrap();
        }
        let who = CommandKind::Reserve {
            event: event("limited"),
            items: items(&[("general", 1)]),
            customer: Some(customer(&format!("c{}", number % 5))),
            by_seller: false,
            pass: None,
        };
        let _ = engine.submit(Request::new(who)).await.unwrap();
    }
}

fn options() -> VerifyOptions {
    VerifyOptions { memory_entries: 64, ..VerifyOptions::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn stopped_store_and_backup_verify_unchanged() {
    let (data, copies) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let clock = TestClock::at(10_000);
    let store = open(data.path());
    let source = store.ledger_source();
    let engine = start(store, &clock);
    filled(&engine, &clock).await;
    let copy = copies.path().join("backup");
    let manifest = inventory_audit::transfer::backup(&source, &copy, |_| true).unwrap();
    let running = verify_data_dir(data.path(), &options(), |_| {}).await.unwrap_err();
    assert!(running.to_string().contains("in use"), "{running}");
    drop(source);
    engine.stop().await;
    drop(engine);

    let before = fingerprint(data.path());
    let report = verify_data_dir(data.path(), &options(), |_| {}).await.unwrap();
    assert_eq!(fingerprint(data.path()), before, "verifying changed the store");
    assert!(
        report.records == manifest.records && report.events == 2 && report.rows > report.holds,
        "{report:?}"
    );
    let of_backup = verify_backup(&copy, &options(), |_| {}).await.unwrap();
    assert_eq!(
        (of_backup.records, of_backup.sold, of_backup.keyed),
        (report.records, report.sold, report.keyed)
    );

    let altered =
        std::fs::read_to_string(copy.join("ledger.jsonl")).unwrap().replacen("k7\"", "k8\"", 1);
    std::fs::write(copy.join("ledger.jsonl"), altered).unwrap();
    let error = verify_backup(&copy, &options(), |_| {}).await.unwrap_err();
    assert!(error.to_string().contains("event 'default', seq"), "{error}");
    assert!(
        verify_data_dir(copies.path(), &options(), |_| {})
            .await
            .unwrap_err()
            .to_string()
            .contains("there is no store")
    );
}

/// Every file with its length, time and contents.
fn fingerprint(dir: &Path) -> Vec<(std::path::PathBuf, std::time::SystemTime, Vec<u8>)> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(fingerprint(&path));
        } else if path.is_file() {
            files.push((
                path.clone(),
                path.metadata().unwrap().modified().unwrap(),
                std::fs::read(&path).unwrap(),
            ));
        }
    }
    files.sort();
    files
}

#[tokio::test(flavor = "multi_thread")]
async fn every_table_of_a_store_is_compared_with_its_ledger() {
    let tables =
        ["events", "holds", "live", "customers", "keys", "key_order", "lookup", "meta", "ledger"];
    for table in tables {
        let data = tempfile::tempdir().unwrap();
        let clock = TestClock::at(10_000);
        let engine = start(open(data.path()), &clock);
        filled(&engine, &clock).await;
        engine.stop().await;
        drop(engine);
        remove_a_row(data.path(), table);
        let error = verify_data_dir(data.path(), &options(), |_| {}).await.unwrap_err();
        assert!(matches!(error, VerifyError::Violation(_)), "{table}: {error}");
        let text = error.to_string();
        let expected = if table == "meta" { "key_order" } else { table };
        assert!(
            text.contains(expected) || table == "ledger" && text.contains("seq"),
            "{table}: {text}"
        );
    }
}

/// Damages a store behind its back: removes the last row of a table.
fn remove_a_row(dir: &Path, table: &str) {
    let db = fjall::Database::builder(dir.join("db/tables")).open().unwrap();
    let rows = db.keyspace(table, fjall::KeyspaceCreateOptions::default).unwrap();
    let last = rows.iter().next_back().unwrap().key().unwrap();
    rows.remove(last).unwrap();
    db.persist(fjall::PersistMode::SyncAll).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn store_without_its_newest_records_fails_verification() {
    let data = tempfile::tempdir().unwrap();
    let clock = TestClock::at(10_000);
    let engine = start(open(data.path()), &clock);
    filled(&engine, &clock).await;
    engine.stop().await;
    drop(engine);
    let watermark = data.path().join("db/WATERMARK");
    let count: u64 =
        EmbeddedStore::open(data.path(), &inventory_embedded::EmbeddedOptions::default())
            .unwrap()
            .views()
            .iter()
            .map(|view| view.event.seq)
            .sum();
    let more = count + 3;
    let bytes = [more.to_be_bytes(), (more ^ 0x7761_7465_726d_6172).to_be_bytes()].concat();
    std::fs::write(watermark, bytes).unwrap();
    let error = verify_data_dir(data.path(), &options(), |_| {}).await.unwrap_err();
    assert!(error.to_string().contains("WATERMARK"), "{error}");
}
