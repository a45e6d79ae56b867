//! Migration of an embedded store to the database.

use std::time::Duration;

use inventory::Limits;
use inventory_engine::{Engine, Request};
use inventory_postgres::{Postgres, PostgresOptions};
use inventory_store::{Store, StoreError};
use test_postgres::Server;

use crate::support::{Database, event, hold, keyed, put, reserve};

#[tokio::test(flavor = "multi_thread")]
async fn migration_resumes_and_copies_everything() {
    use inventory_audit::transfer::{
        LedgerFrom, MigrationProgress, RetryPolicy, TransferError, backup, migrate,
    };
    use inventory_store::{Replayer, SharedReader};
    let patience = RetryPolicy::default();
    let (data, copies) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let store = crate::support::open(data.path());
    let (source, from_store) = (store.ledger_source(), store.ledger_source());
    let owned = crate::support::start(store, &crate::support::TestClock::at(1_000));
    for name in ["default", "other"] {
        owned.submit(Request::new(put(name, &[("general", 9_000)]))).await.unwrap().result.unwrap();
    }
    let mut waiting = Vec::new();
    for number in 0..2_600 {
        waiting.push(keyed(reserve("default", 1), &format!("k{number}")));
        waiting.push(Request::new(hold("other", 1, 60_000)));
    }
    for reply in owned.submit_all(waiting).await {
        reply.unwrap().result.unwrap();
    }
    let copy = copies.path().join("copy");
    backup(&source, &copy, |_| true).unwrap();
    let expected: Vec<_> = owned.published().iter().map(|view| (**view).clone()).collect();

    let database = Database::new().await;
    // Ended in the middle: a part of one ledger is there.
    let mut part = Replayer::new(database.postgres.writer());
    for record in source_records(&owned, "default", 1_500).await {
        part.push(&record).await.unwrap();
    }
    part.finish().await.unwrap();
    let mut reported = 0;
    let report = |moving: MigrationProgress<'_>| {
        if let MigrationProgress::Records(records) = moving {
            reported = records;
        }
    };
    let (records, events) =
        migrate(&LedgerFrom::Backup(copy.clone()), &database.postgres, &patience, report)
            .await
            .unwrap();
    assert_eq!((records, events), (5_202, 2));
    assert!(reported > 0);
    assert_eq!(database.postgres.reader().events(None, 10).await.unwrap(), expected);
    // Once more changes nothing.
    migrate(&LedgerFrom::Store(from_store), &database.postgres, &patience, |_| {}).await.unwrap();
    // A key that was used before the move answers after it.
    let mut writer = database.postgres.writer();
    let command =
        inventory::Command { id: inventory::HoldId::new(2, [2; 10]), kind: reserve("default", 1) };
    let key = crate::support::key("k7");
    let commands = std::iter::once((&command, Some(&key)));
    let durability = inventory_store::Durability::Synced;
    let done = inventory_store::run_batch(
        &mut writer,
        &Limits::default(),
        commands,
        Vec::new(),
        2_000,
        durability,
    )
    .await
    .unwrap();
    assert!(done.replies[0].replayed);
    drop(writer.reader());

    // Something else is in the way: nothing is written over it.
    let other = Database::new().await;
    let mut store = other.postgres.writer();
    let command = inventory::Command {
        id: inventory::HoldId::new(3, [3; 10]),
        kind: put("default", &[("general", 1)]),
    };
    let commands = std::iter::once((&command, None));
    inventory_store::run_batch(
        &mut store,
        &Limits::default(),
        commands,
        Vec::new(),
        2_000,
        durability,
    )
    .await
    .unwrap();
    assert!(matches!(
        migrate(&LedgerFrom::Backup(copy.clone()), &other.postgres, &patience, |_| {}).await,
        Err(TransferError::Foreign(_))
    ));
    assert_eq!(other.postgres.reader().events(None, 10).await.unwrap().len(), 1);
    move_to_a_server_that_goes(&copy).await;
}

/// A server that dies and does not come back is not waited for without end.
async fn move_to_a_server_that_goes(copy: &std::path::Path) {
    use inventory_audit::transfer::{
        LedgerFrom, MigrationProgress, RetryPolicy, TransferError, migrate,
    };
    let mut server = tokio::task::spawn_blocking(|| Server::start(&[])).await.unwrap();
    let postgres = Postgres::open(PostgresOptions::new(server.database().await.parse().unwrap()));
    assert!(postgres.ready(Duration::from_secs(20)).await);
    server.kill();
    let patience = RetryPolicy {
        tries_max: 3,
        pause: Duration::from_millis(10),
        pause_max: Duration::from_millis(20),
    };
    let mut pauses = Vec::new();
    let report = |moving: MigrationProgress<'_>| {
        if let MigrationProgress::Lost(_, pause) = moving {
            pauses.push(pause.as_millis());
        }
    };
    let given_up = migrate(&LedgerFrom::Backup(copy.to_owned()), &postgres, &patience, report)
        .await
        .unwrap_err();
    assert!(matches!(given_up, TransferError::Store(StoreError::Unavailable(_))), "{given_up}");
    assert_eq!(pauses, [10, 20, 20]);
}

async fn source_records(engine: &Engine, name: &str, count: usize) -> Vec<Vec<u8>> {
    let records = engine.records(&event(name), 0, count).await.unwrap().unwrap();
    records.into_iter().map(|record| record.body).collect()
}
