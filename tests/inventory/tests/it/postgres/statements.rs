//! Plans, schema versions and serialization failures.

use std::{sync::atomic::Ordering, time::Duration};

use inventory::{CommandKind, Limits};
use inventory_postgres::Postgres;
use inventory_store::{Durability, StoreError};
use test_postgres::Server;

use super::replica::{Replica, sold_by_ledger};
use crate::support::{Database, event, hold, keyed, put, reserve};

/// Plans are made when the tables are empty. They must not read all of them when they have grown.
#[tokio::test(flavor = "multi_thread")]
async fn batches_scan_no_whole_table() {
    let database = Database::new().await;
    let mut writer = database.postgres.writer();
    let mut number = 0;
    let mut run = async |kinds: Vec<CommandKind>| {
        number += 1;
        let id = |place: usize| inventory::HoldId::new(number, [u8::try_from(place).unwrap(); 10]);
        let commands: Vec<_> = kinds
            .into_iter()
            .enumerate()
            .map(|(place, kind)| inventory::Command { id: id(place), kind })
            .collect();
        let keys: Vec<_> = (0..commands.len())
            .map(|place| crate::support::key(&format!("{}-{place}", number / 2)))
            .collect();
        let commands = commands.iter().zip(keys.iter().map(Some));
        let limits = Limits::default();
        inventory_store::run_batch(
            &mut writer,
            &limits,
            commands,
            Vec::new(),
            1_000 + number,
            Durability::Synced,
        )
        .await
        .unwrap();
        id(1)
    };
    run(vec![put("default", &[("general", 100_000)])]).await;
    for _ in 0..40 {
        let (customer, items) =
            (Some(crate::support::customer("c")), crate::support::items(&[("general", 2)]));
        let bought = CommandKind::Reserve {
            event: event("default"),
            items,
            customer,
            by_seller: false,
            pass: None,
        };
        let held = run(vec![bought, hold("default", 1, 60_000), hold("default", 1, 10)]).await;
        run(vec![
            CommandKind::Confirm { hold: held, payment_ref: None, amount: None, by_seller: false },
            reserve("default", 1),
        ])
        .await;
    }
    // The server reports the statistics of a connection when it ends.
    drop(writer);
    let schema = &database.options.schema;
    let of = |what: &str| {
        format!(
            "SELECT coalesce(sum({what}), 0) FROM pg_stat_user_tables WHERE schemaname = '{schema}' \
             AND relname IN ('ledger', 'keys', 'holds', 'customers')"
        )
    };
    let since = tokio::time::Instant::now();
    while Server::common().ask("postgres", &of("idx_scan")).await.parse::<u64>().unwrap() < 100 {
        assert!(since.elapsed() < Duration::from_secs(30), "the server reports no index scans");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(Server::common().ask("postgres", &of("seq_tup_read")).await, "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_migrations_succeed_and_newer_schema_is_refused() {
    let database = Database::with(|_| {}).await;
    let mut options = database.options.clone();
    options.schema += "_new";
    let all: Vec<_> = (0..12).map(|_| Postgres::open(options.clone())).collect();
    for one in &all {
        assert!(one.ready(Duration::from_secs(30)).await, "{:?}", one.check());
    }
    drop(all);
    let schema = &options.schema;
    let insert = |version: u32, breaking: bool| {
        format!(
            "INSERT INTO {schema}.migrations (version, name, breaking) VALUES ({version}, 'later', {breaking})"
        )
    };
    // One that we can live with, as in a rolling update.
    Server::common().run("postgres", &insert(1_000, false)).await;
    assert!(Postgres::open(options.clone()).ready(Duration::from_secs(20)).await);
    Server::common().run("postgres", &insert(1_001, true)).await;
    let refused = Postgres::open(options.clone());
    assert!(!refused.ready(Duration::from_secs(1)).await);
    assert!(matches!(refused.check(), Err(StoreError::Unavailable(why)) if why.contains("newer")));
}

#[tokio::test(flavor = "multi_thread")]
async fn serialization_failures_are_retried() {
    let database = Database::with(|_| {}).await;
    let replica = Replica::start(&database.options).await;
    replica.created("default", 100).await;
    // As a database that is serializable would: every third insert into the ledger fails.
    let schema = &database.options.schema;
    let trigger = format!(
        "CREATE SEQUENCE {schema}.tries; \
         CREATE FUNCTION {schema}.fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
         IF nextval('{schema}.tries') % 3 <> 0 THEN RAISE EXCEPTION 'try again' USING ERRCODE = '40001'; END IF; RETURN NULL; END $$; \
         CREATE TRIGGER fail BEFORE INSERT ON {schema}.ledger FOR EACH STATEMENT EXECUTE FUNCTION {schema}.fail()"
    );
    Server::common().run("postgres", &trigger).await;
    for number in 0..20 {
        replica
            .engine
            .submit(keyed(reserve("default", 1), &format!("k{number}")))
            .await
            .unwrap()
            .result
            .unwrap();
    }
    assert_eq!(sold_by_ledger(&database.postgres, "default").await.0, 20);
    assert!(replica.postgres.watch().counts().conflicts.load(Ordering::SeqCst) >= 20);
}
