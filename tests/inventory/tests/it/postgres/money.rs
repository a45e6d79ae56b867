//! A schema of an older version is upgraded, and breaks for that version with the first record
//! about money.

use std::time::Duration;

use inventory::{Hold, HoldTerms, Limits};
use inventory_audit::{
    transfer::{LedgerFrom, RetryPolicy, migrate},
    verify::{VerifyOptions, verify_database},
};
use inventory_postgres::{Postgres, PostgresOptions};
use inventory_store::{Reader, SharedReader, testing::id};
use test_postgres::Server;

use crate::{
    money::{
        first::{MONEY_MS, first_about_money, without_money},
        shop::{T, confirm, eur, paid, priced, sell, start},
    },
    support::{Database, open, run},
};

const TABLES: &str =
    include_str!("../../../../../crates/inventory-postgres/src/migrations/0001_tables.sql");
const FUNCTIONS: &str =
    include_str!("../../../../../crates/inventory-postgres/src/migrations/0002_functions.sql");

async fn ask(sql: &str) -> String {
    Server::common().ask("postgres", sql).await
}

/// The migrations of a schema up to that of money, and which of them break older versions.
async fn migrations(schema: &str) -> String {
    ask(&format!(
        "SELECT string_agg(version || ' ' || breaking, ', ' ORDER BY version) FROM {schema}.migrations WHERE version <= 3"
    ))
    .await
}

const UNBROKEN: &str = "1 true, 2 false, 3 false";
const BROKEN: &str = "1 true, 2 false, 3 true";

/// A database in which nothing is about money.
async fn old_data() -> Database {
    let database = Database::new().await;
    let (limits, mut writer) = (Limits::default(), database.postgres.writer());
    for (number, kind, now_ms) in without_money() {
        let _ = run(&mut writer, &limits, number, kind, None, now_ms).await;
        assert_eq!(migrations(&database.options.schema).await, UNBROKEN);
    }
    database
}

/// A schema as the version before prices and payments left it, with the data of `from`.
async fn old_schema(from: &Database) -> PostgresOptions {
    let mut options = from.options.clone();
    options.schema += "_old";
    let (new, old) = (&options.schema, &from.options.schema);
    let schema = format!("\"{new}\"");
    let events = "name, seq, settings_seq, head, at_ms, live_holds, settings, stocks";
    let holds = "id, event, items, live, customer, state, created_at_ms, expires_at_ms, payment_ref, seq, confirmed_seq";
    let sql = format!(
        "CREATE SCHEMA {new}; CREATE TABLE {new}.migrations (version integer PRIMARY KEY, name text NOT NULL, \
         breaking boolean NOT NULL, applied_at timestamptz NOT NULL DEFAULT now()); {}; {}; \
         INSERT INTO {new}.migrations (version, name, breaking) VALUES (1, 'tables', true), (2, 'functions', false); \
         INSERT INTO {new}.events ({events}) SELECT {events} FROM {old}.events; INSERT INTO {new}.ledger SELECT * FROM {old}.ledger; \
         INSERT INTO {new}.keys SELECT * FROM {old}.keys; INSERT INTO {new}.customers SELECT * FROM {old}.customers; \
         INSERT INTO {new}.holds ({holds}) SELECT {holds} FROM {old}.holds",
        TABLES.replace("{schema}", &schema),
        FUNCTIONS.replace("{schema}", &schema),
    );
    Server::common().run("postgres", &sql).await;
    options
}

async fn upgraded(options: &PostgresOptions) -> Postgres {
    let postgres = Postgres::open(options.clone());
    assert!(postgres.ready(Duration::from_secs(20)).await, "{:?}", postgres.check());
    postgres
}

async fn holds(postgres: &Postgres) -> Vec<Hold> {
    let mut all = Vec::new();
    for number in 0..=u8::MAX {
        all.extend(postgres.reader().hold(id(number)).await.unwrap());
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn schema_of_an_older_version_is_upgraded_with_its_data() {
    let source = old_data().await;
    let options = old_schema(&source).await;
    let postgres = upgraded(&options).await;
    assert_eq!(migrations(&options.schema).await, UNBROKEN);
    let expected = source.postgres.reader().events(None, 10).await.unwrap();
    assert_eq!(postgres.reader().events(None, 10).await.unwrap(), expected);
    let found = holds(&postgres).await;
    assert_eq!((found.len(), &found), (5, &holds(&source.postgres).await));
    assert!(found.iter().all(|hold| hold.terms == HoldTerms::default()));
    verify_database(&options, &VerifyOptions::default(), |_| {}).await.unwrap();
    // Its holds go on; without money, older versions go on beside it.
    let (limits, mut writer) = (Limits::default(), postgres.writer());
    let extend = inventory::CommandKind::Extend { hold: id(2), ttl_ms: 100_000 };
    run(&mut writer, &limits, 30, extend, None, MONEY_MS).await.result.unwrap();
    run(&mut writer, &limits, 31, sell(&[("general", 1)]), None, MONEY_MS).await.result.unwrap();
    assert_eq!(migrations(&options.schema).await, UNBROKEN);
    run(&mut writer, &limits, 32, start(2, "p"), None, MONEY_MS).await.result.unwrap();
    assert_eq!(migrations(&options.schema).await, BROKEN);
    drop(writer);
    // What is written about money is read again by a new process.
    let postgres = upgraded(&options).await;
    let hold = postgres.reader().hold(id(2)).await.unwrap().unwrap();
    assert_eq!(hold.terms.payment_started, Some(paid("p")));
    let mut writer = postgres.writer();
    run(&mut writer, &limits, 33, confirm(2, Some("p"), None), None, MONEY_MS)
        .await
        .result
        .unwrap();
    assert_eq!(postgres.reader().hold(id(2)).await.unwrap().unwrap().terms, hold.terms);
    assert_eq!(migrations(&options.schema).await, BROKEN);
    verify_database(&options, &VerifyOptions::default(), |_| {}).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn first_record_about_money_breaks_older_versions() {
    let limits = Limits::default();
    for (what, kind) in first_about_money() {
        let database = old_data().await;
        let mut writer = database.postgres.writer();
        let schema = &database.options.schema;
        assert_eq!(migrations(schema).await, UNBROKEN, "{what}");
        let _ = run(&mut writer, &limits, 100, kind, None, MONEY_MS).await;
        assert_eq!(migrations(schema).await, BROKEN, "{what}");
        // Once is enough.
        let next = priced(&[("general", 9, Some(eur(7)))]);
        run(&mut writer, &limits, 101, next, None, MONEY_MS).await.result.unwrap();
        assert_eq!(migrations(schema).await, BROKEN, "{what}");
        drop(writer);
        upgraded(&database.options).await;
        verify_database(&database.options, &VerifyOptions::default(), |_| {}).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn schema_breaks_only_with_its_record() {
    let database = old_data().await;
    let schema = &database.options.schema;
    // The record is refused by a rule of the administrator, so nothing of its batch is kept.
    let rule = format!(
        "ALTER TABLE {schema}.ledger ADD CHECK (seq < 100 AND position('payment_started'::bytea IN body) = 0)"
    );
    Server::common().run("postgres", &rule).await;
    let command = inventory::Command { id: id(100), kind: start(2, "p") };
    let mut writer = database.postgres.writer();
    let refused = inventory_store::run_batch(
        &mut writer,
        &Limits::default(),
        std::iter::once((&command, None)),
        Vec::new(),
        MONEY_MS,
        inventory_store::Durability::Synced,
    )
    .await;
    refused.unwrap_err();
    drop(writer);
    assert_eq!(migrations(schema).await, UNBROKEN);
    assert_eq!(holds(&database.postgres).await[1].terms, HoldTerms::default());
}

#[tokio::test(flavor = "multi_thread")]
async fn older_functions_leave_what_holds_say_about_money() {
    let database = old_data().await;
    let (limits, mut writer) = (Limits::default(), database.postgres.writer());
    run(&mut writer, &limits, 100, start(2, "p"), None, MONEY_MS).await.result.unwrap();
    drop(writer);
    let schema = &database.options.schema;
    let id = id(2);
    // As an older version that still runs extends it.
    let empty = "'{}', ".repeat(17);
    let write = format!(
        "SELECT {schema}.write_batch_1({empty} ARRAY[h.id], ARRAY[h.event], ARRAY[h.items::text], ARRAY[h.live::text], \
         ARRAY[h.customer], ARRAY[h.state], ARRAY[h.created_at_ms], ARRAY[h.expires_at_ms + 5], ARRAY[h.payment_ref], \
         ARRAY[h.seq], ARRAY[h.confirmed_seq], '{{}}', '{{}}', '{{}}', 0, false) FROM {schema}.holds h WHERE h.id = '{id}'"
    );
    let before = database.postgres.reader().hold(id).await.unwrap().unwrap();
    Server::common().run("postgres", &write).await;
    let after = database.postgres.reader().hold(id).await.unwrap().unwrap();
    assert_eq!(after.terms, before.terms);
    assert_eq!(after.expires_at_ms, before.expires_at_ms + 5);
    let load = format!(
        "SELECT count(*) FROM {schema}.load_batch_1('{{default}}', ARRAY['{id}']::uuid[], '{{}}', '{{}}', '{{}}', {T}, 0, false, '1s')"
    );
    assert_eq!(ask(&load).await, "3", "the event, the time and the hold");
}

#[tokio::test(flavor = "multi_thread")]
async fn move_to_the_database_breaks_older_versions_only_with_money() {
    let limits = Limits::default();
    for with_money in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let mut store = open(dir.path());
        for (number, kind, now_ms) in without_money() {
            let _ = run(&mut store, &limits, number, kind, None, now_ms).await;
        }
        if with_money {
            for (number, (_, kind)) in (100..).zip(first_about_money()) {
                let _ = run(&mut store, &limits, number, kind, None, MONEY_MS).await;
            }
        }
        let database = Database::new().await;
        let (source, patience) = (store.ledger_source(), RetryPolicy::default());
        migrate(&LedgerFrom::Store(source), &database.postgres, &patience, |_| {}).await.unwrap();
        let expected = if with_money { BROKEN } else { UNBROKEN };
        assert_eq!(migrations(&database.options.schema).await, expected);
        let reader = inventory_store::Store::reader(&store);
        for hold in holds(&database.postgres).await {
            assert_eq!(reader.hold(hold.id).await.unwrap(), Some(hold));
        }
        let views = inventory_store::OwnedStore::views(&store);
        assert_eq!(database.postgres.reader().events(None, 10).await.unwrap(), views);
        verify_database(&database.options, &VerifyOptions::default(), |_| {}).await.unwrap();
    }
}
