//! The indexes of reservations in a database that is older than they are.

use std::{sync::atomic::Ordering, time::Duration};

use inventory::{HoldId, PaymentRef, domain::LookupKey};
use inventory_engine::EngineError;
use inventory_postgres::{Postgres, PostgresOptions};
use inventory_store::{Reader, StoreError};
use test_postgres::Server;

use super::replica::Replica;
use crate::{
    lookup::{by_customer, by_payment, confirm, create, hold_for, keep_selling, once_built, pages},
    support::{Database, customer},
};

/// A database with reservations; returns the ids of customer `c` and payment `paid`.
async fn filled() -> (Database, Vec<HoldId>) {
    filled_by("ticket-system").await
}

/// As [`filled`], by connections of application `name`.
async fn filled_by(name: &str) -> (Database, Vec<HoldId>) {
    let named = |url: String| format!("{url}?application_name={name}").parse().unwrap();
    let target = |options: &mut PostgresOptions| {
        options.target = named(Server::common().url("postgres"));
    };
    let database = Database::with(target).await;
    let replica = Replica::start(&database.options).await;
    create(&replica.engine, "a").await;
    let mut ids = hold_for(&replica.engine, "a", &["c"; 400]).await;
    confirm(&replica.engine, &ids, "paid").await;
    ids.sort_unstable_by(|a, b| b.cmp(a));
    // A new schema has its indexes at once.
    assert_eq!(pages(&replica.engine, &by_customer("c"), 100).await.unwrap().0, ids);
    replica.engine.stop().await;
    (database, ids)
}

async fn run(sql: &str) {
    Server::common().run("postgres", sql).await;
}

async fn valid_indexes(schema: &str) -> String {
    let count = format!(
        "SELECT count(*) FILTER (WHERE i.indisvalid) || ' of ' || count(*) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid \
         JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = '{schema}' AND c.relname LIKE 'holds_%' \
         AND c.relname NOT IN ('holds_pkey', 'holds_held')"
    );
    Server::common().ask("postgres", &count).await
}

#[tokio::test(flavor = "multi_thread")]
async fn indexes_of_an_older_schema_are_built_while_sales_go_on() {
    let (database, ids) = filled().await;
    let schema = &database.options.schema;
    run(&format!(
        "DROP INDEX {schema}.holds_customer, {schema}.holds_payment_ref, {schema}.holds_refunds_due"
    ))
    .await;
    // Found missing by a look-up of a process that runs.
    let replica = Replica::start(&database.options).await;
    let (stop, selling) = keep_selling(&replica.engine, None);
    assert_eq!(once_built(&replica.engine, &by_payment("paid")).await, ids);
    assert_eq!(once_built(&replica.engine, &by_customer("c")).await, ids);
    stop.store(true, Ordering::Relaxed);
    assert!(selling.await.unwrap().len() >= 2);
    assert_eq!(valid_indexes(schema).await, "4 of 4");
}

#[tokio::test(flavor = "multi_thread")]
async fn index_dropped_by_hand_is_built_again() {
    let (database, ids) = filled().await;
    let schema = &database.options.schema;
    let replica = Replica::start(&database.options).await;
    assert_eq!(pages(&replica.engine, &by_customer("c"), 100).await.unwrap().0, ids);
    for index in
        ["holds_customer", "holds_payment_ref", "holds_payment_started", "holds_refunds_due"]
    {
        run(&format!("DROP INDEX {schema}.{index}")).await;
        let refused = pages(&replica.engine, &by_customer("c"), 100).await.unwrap_err();
        assert!(matches!(refused, EngineError::Store(StoreError::IndexBuilding)), "{refused}");
        assert_eq!(once_built(&replica.engine, &by_customer("c")).await, ids);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn interrupted_index_is_replaced() {
    let (database, ids) = filled().await;
    let schema = &database.options.schema;
    // As an interrupted build leaves them.
    run(&format!(
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid IN \
         ('{schema}.holds_customer'::regclass, '{schema}.holds_refunds_due'::regclass)"
    ))
    .await;
    assert_eq!(valid_indexes(schema).await, "2 of 4");
    let replica = Replica::start(&database.options).await;
    assert_eq!(once_built(&replica.engine, &by_payment("paid")).await, ids);
    assert_eq!(valid_indexes(schema).await, "4 of 4");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_processes_build_each_index_once() {
    let (database, ids) = filled().await;
    let schema = &database.options.schema;
    run(&format!(
        "DROP INDEX {schema}.holds_customer, {schema}.holds_payment_ref, {schema}.holds_refunds_due"
    ))
    .await;
    let mut replicas = Vec::new();
    for _ in 0..6 {
        replicas.push(Replica::start(&database.options).await);
    }
    for replica in &replicas {
        assert_eq!(once_built(&replica.engine, &by_payment("paid")).await, ids);
    }
    assert_eq!(valid_indexes(schema).await, "4 of 4");
    // Nothing is left waiting in the database.
    let waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted";
    assert_eq!(Server::common().ask("postgres", waiting).await, "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn indexes_are_built_through_a_pooler() {
    let (database, ids) = filled().await;
    let schema = &database.options.schema;
    run(&format!(
        "DROP INDEX {schema}.holds_customer, {schema}.holds_payment_ref, {schema}.holds_refunds_due"
    ))
    .await;
    let (_bouncer, port, _dir) =
        tokio::task::spawn_blocking(|| test_postgres::bouncer(Server::common())).await.unwrap();
    let mut options = database.options.clone();
    options.target = format!("postgres://postgres@127.0.0.1:{port}/postgres").parse().unwrap();
    let replica = Replica::start(&options).await;
    assert_eq!(once_built(&replica.engine, &by_payment("paid")).await, ids);
    assert_eq!(valid_indexes(schema).await, "4 of 4");
}

/// A role that may sell, and may not create indexes: look-ups stay refused, and sales go on.
#[tokio::test(flavor = "multi_thread")]
async fn missing_right_to_build_stops_no_sale() {
    let (database, _) = filled().await;
    let schema = &database.options.schema;
    let role = format!("seller_{schema}");
    run(&format!(
        "DROP INDEX {schema}.holds_customer; CREATE ROLE {role} LOGIN; GRANT USAGE ON SCHEMA {schema} TO {role}; \
         GRANT ALL ON ALL TABLES IN SCHEMA {schema} TO {role}; GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA {schema} TO {role}"
    ))
    .await;
    let mut options = database.options.clone();
    options.target =
        Server::common().url("postgres").replace("postgres@", &format!("{role}@")).parse().unwrap();
    let replica = Replica::start(&options).await;
    for _ in 0..3 {
        hold_for(&replica.engine, "a", &["d"]).await;
        let refused = pages(&replica.engine, &by_customer("d"), 100).await.unwrap_err();
        assert!(matches!(refused, EngineError::Store(StoreError::IndexBuilding)), "{refused}");
    }
    // A process that has the right builds it for all.
    let owner = Postgres::open(database.options.clone());
    assert!(owner.ready(Duration::from_secs(20)).await);
    assert_eq!(once_built(&replica.engine, &by_customer("d")).await.len(), 3);
}

/// Connections whose reads are counted.
const COUNTED: &str = "counted-lookups";

/// How often table `holds` was read as a whole since it was created, once no connection is left
/// whose reads have not been counted yet: a connection counts them when it ends.
async fn whole_reads(schema: &str) -> String {
    let open =
        format!("SELECT count(*) FROM pg_stat_activity WHERE application_name = '{COUNTED}'");
    for _ in 0..1_000 {
        if Server::common().ask("postgres", &open).await == "0" {
            let count = format!(
                "SELECT seq_scan FROM pg_stat_user_tables WHERE schemaname = '{schema}' AND relname = 'holds'"
            );
            return Server::common().ask("postgres", &count).await;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("a connection stays open");
}

/// With many holds, each look-up reads by the indexes alone, also before the table's statistics
/// exist.
#[tokio::test(flavor = "multi_thread")]
async fn lookups_read_no_whole_table() {
    let (Database { options, .. }, ids) = filled_by(COUNTED).await;
    let schema = &options.schema;
    run(&format!(
        "INSERT INTO {schema}.holds (id, event, items, live, state, created_at_ms, expires_at_ms, seq) \
         SELECT gen_random_uuid(), 'a', '[]', '[]', 'confirmed', 1, 0, 1 FROM generate_series(1, 30000)"
    ))
    .await;
    let (known, unknown) = (customer("c"), customer("nobody"));
    let (paid, unpaid) = (PaymentRef::new("paid").unwrap(), PaymentRef::new("none").unwrap());
    for analyzed in [false, true] {
        if analyzed {
            run(&format!("ANALYZE {schema}.holds")).await;
        }
        let before = whole_reads(schema).await;
        let store = Postgres::open(options.clone());
        assert!(store.ready(Duration::from_secs(20)).await);
        let reader = store.reader();
        for (key, found) in [
            (LookupKey::Customer(&known), &ids[..101]),
            (LookupKey::Customer(&unknown), &[]),
            (LookupKey::PaymentRef(&paid), &ids[..101]),
            (LookupKey::PaymentRef(&unpaid), &[]),
        ] {
            let page = reader.lookup(key, None, 101).await.unwrap();
            assert_eq!(page.iter().map(|hold| hold.id).collect::<Vec<_>>(), found, "{key:?}");
        }
        drop((reader, store));
        assert_eq!(whole_reads(schema).await, before, "analyzed: {analyzed}");
    }
}
