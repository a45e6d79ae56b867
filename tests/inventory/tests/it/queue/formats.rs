//! The formats of stores: raised by the first record of a waiting room, and not before.

use std::{fs, path::Path};

use inventory::{CommandKind, Limits};
use inventory_audit::{
    transfer::{backup, restore},
    verify::{VerifyOptions, verify_backup, verify_data_dir, verify_database},
};
use inventory_embedded::{DataDir, EmbeddedOptions, StagedRestore, check_format};
use inventory_store::{
    Durability, OwnedStore, Reader, SharedReader, Store, StoreError, run_batch, testing::id,
};
use test_postgres::Server;

use super::commands::{OPENS, Show, join, leaves, pause};
use crate::{
    money::{
        first::{MONEY_MS, first_about_money, without_money},
        shop::{T, start},
    },
    support::{Database, event, open, run},
};

fn format(dir: &Path) -> String {
    fs::read_to_string(dir.join("db/FORMAT")).unwrap()
}

/// Commands after those of [`without_money`]: a sale without a waiting room, in which others are
/// asked for in vain, then one with a draw. The third has the first record of it.
fn commands() -> Vec<(&'static str, CommandKind)> {
    let capacity = |show: Show| show.with(|show| show.capacity = 20);
    vec![
        ("a waiting room that is not there", join(1, &leaves(1, 0..1))),
        ("a pause of it", pause(true)),
        ("a waiting room", capacity(Show::drawn()).put()),
        ("a place", join(12, &leaves(12, 0..1))),
    ]
}

#[tokio::test]
async fn first_waiting_room_raises_the_format() {
    let limits = Limits::default();
    for with_money in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let (data, copy, other) =
            (dir.path().join("data"), dir.path().join("copy"), dir.path().join("other"));
        let mut store = open(&data);
        for (number, kind, now_ms) in without_money() {
            let _ = run(&mut store, &limits, number, kind, None, now_ms).await;
        }
        if with_money {
            run(&mut store, &limits, 99, start(2, "p"), None, MONEY_MS).await.result.unwrap();
        }
        let before = if with_money { "2\n" } else { "1\n" };
        for ((number, (what, kind)), format_then) in
            (100..).zip(commands()).zip([before, before, "3\n", "3\n"])
        {
            let _ = run(&mut store, &limits, number, kind, None, OPENS).await;
            assert_eq!(format(&data), format_then, "{what}");
        }
        let (views, source) = (store.views(), store.ledger_source());
        backup(&source, &copy, |_| true).unwrap();
        drop((store, source));
        verify_data_dir(&data, &VerifyOptions::default(), |_| {}).await.unwrap();
        verify_backup(&copy, &VerifyOptions::default(), |_| {}).await.unwrap();
        check_format(&data.join("db")).unwrap();
        // A copy has the format that its records need, and a store keeps its own without the room.
        restore_into(&other, &copy);
        let mut store = open(&other);
        assert_eq!((store.views(), format(&other)), (views, "3\n".to_owned()));
        run(&mut store, &limits, 200, Show::plain().put(), None, OPENS).await.result.unwrap();
        drop(store);
        open(&other);
        assert_eq!(format(&other), "3\n");
    }
}

fn restore_into(dir: &Path, from: &Path) {
    let data = DataDir::lock(dir.to_owned()).unwrap();
    let staged = StagedRestore::beside(data.path()).unwrap();
    restore(from, &staged, &EmbeddedOptions::default(), |_| true).unwrap();
    staged.accept().unwrap();
}

#[tokio::test]
async fn restored_store_without_a_room_has_an_older_format() {
    let dir = tempfile::tempdir().unwrap();
    let (data, copy) = (dir.path().join("data"), dir.path().join("copy"));
    let mut store = open(&data);
    backup(&store.ledger_source(), &copy, |_| true).unwrap();
    run(&mut store, &Limits::default(), 1, Show::line().put(), None, T).await.result.unwrap();
    drop(store);
    assert_eq!(format(&data), "3\n");
    restore_into(&data, &copy);
    open(&data);
    assert_eq!(format(&data), "1\n");
}

#[tokio::test]
async fn record_of_a_room_is_not_written_before_the_format() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path());
    let limits = Limits::default();
    run(&mut store, &limits, 1, Show::plain().put(), None, T).await.result.unwrap();
    // The file cannot be written.
    fs::create_dir(dir.path().join("db/FORMAT.new")).unwrap();
    let command = inventory::Command { id: id(2), kind: Show::line().put() };
    let commands = std::iter::once((&command, None));
    let failed = run_batch(&mut store, &limits, commands, Vec::new(), T, Durability::Synced).await;
    assert!(matches!(failed, Err(StoreError::Failed(_))), "{failed:?}");
    drop(store);
    fs::remove_dir(dir.path().join("db/FORMAT.new")).unwrap();
    let mut store = open(dir.path());
    let records = store.reader().records(&event("default"), 0, 10).await.unwrap();
    assert_eq!((records.len(), format(dir.path())), (1, "1\n".to_owned()));
    run(&mut store, &limits, 2, Show::line().put(), None, T).await.result.unwrap();
    assert_eq!(format(dir.path()), "3\n");
}

/// The migrations of money and of waiting rooms, and whether they break older versions.
async fn migrations(schema: &str) -> String {
    let sql = format!(
        "SELECT string_agg(version || ' ' || breaking, ', ' ORDER BY version) FROM {schema}.migrations WHERE version IN (3, 5)"
    );
    Server::common().ask("postgres", &sql).await
}

#[tokio::test(flavor = "multi_thread")]
async fn first_waiting_room_breaks_older_versions() {
    let limits = Limits::default();
    for with_money in [false, true] {
        let database = Database::new().await;
        let (mut writer, schema) = (database.postgres.writer(), &database.options.schema);
        for (number, kind, now_ms) in without_money() {
            let _ = run(&mut writer, &limits, number, kind, None, now_ms).await;
        }
        if with_money {
            for (number, (_, kind)) in (90..).zip(first_about_money()) {
                let _ = run(&mut writer, &limits, number, kind, None, MONEY_MS).await;
            }
        }
        let money = format!("3 {with_money}");
        for ((number, (what, kind)), breaks) in
            (100..).zip(commands()).zip([false, false, true, true])
        {
            let _ = run(&mut writer, &limits, number, kind, None, OPENS).await;
            assert_eq!(migrations(schema).await, format!("{money}, 5 {breaks}"), "{what}");
        }
        drop(writer);
        verify_database(&database.options, &VerifyOptions::default(), |_| {}).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn schema_breaks_only_with_the_record_of_a_room() {
    let database = Database::new().await;
    let (schema, limits) = (&database.options.schema, Limits::default());
    let mut writer = database.postgres.writer();
    run(&mut writer, &limits, 1, Show::plain().put(), None, T).await.result.unwrap();
    // The record is refused by a rule of the administrator, so nothing of its batch is kept.
    let rule =
        format!("ALTER TABLE {schema}.ledger ADD CHECK (position('\"queue\"'::bytea IN body) = 0)");
    Server::common().run("postgres", &rule).await;
    let command = inventory::Command { id: id(2), kind: Show::line().put() };
    let commands = std::iter::once((&command, None));
    run_batch(&mut writer, &limits, commands, Vec::new(), T, Durability::Synced).await.unwrap_err();
    drop(writer);
    assert_eq!(migrations(schema).await, "3 false, 5 false");
    assert_eq!(
        database.postgres.writer().reader().records(&event("default"), 0, 9).await.unwrap().len(),
        1
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn older_versions_that_run_cannot_write_past_a_waiting_room() {
    let database = Database::new().await;
    let (schema, limits) = (&database.options.schema, Limits::default());
    let mut writer = database.postgres.writer();
    let older = format!(
        "SELECT count(*) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = '{schema}' \
         AND p.proname IN ('load_batch_1', 'write_batch_1', 'load_batch_2', 'write_batch_2')"
    );
    // Until there is one, they go on.
    assert_eq!(Server::common().ask("postgres", &older).await, "4");
    run(&mut writer, &limits, 1, Show::drawn().put(), None, OPENS).await.result.unwrap();
    assert_eq!(Server::common().ask("postgres", &older).await, "0");
    run(&mut writer, &limits, 2, join(1, &leaves(1, 0..2)), None, OPENS).await.result.unwrap();
    let reader = database.postgres.reader();
    assert!(reader.event(&event("default")).await.unwrap().unwrap().event.queue.is_some());
    for leaf in leaves(1, 0..2) {
        assert!(reader.place(&event("default"), &leaf).await.unwrap().is_some());
    }
}
