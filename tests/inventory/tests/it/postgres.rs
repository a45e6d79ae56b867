//! The PostgreSQL store among several processes, and when connections die.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use inventory::{CommandKind, Hash, Limits, Outcome, RefusalKind, decide::ReadSet, ledger::Record};
use inventory_engine::{Engine, EngineError, Environment, Request};
use inventory_postgres::{Postgres, PostgresOptions};
use inventory_store::{Durability, Reader, Store, StoreError};
use test_postgres::Server;

use crate::support::{Database, event, hold, keyed, put, reserve};

/// A separate process, from the database's view.
struct Replica {
    postgres: Postgres,
    engine: Engine,
}

impl Replica {
    async fn start(options: &PostgresOptions) -> Self {
        let postgres = Postgres::open(options.clone());
        assert!(postgres.ready(Duration::from_secs(20)).await);
        let env = Environment::with_clock(Arc::new(postgres.clock()));
        let engine = Engine::start_shared(
            postgres.writers(),
            postgres.reader(),
            Duration::ZERO,
            Limits::default(),
            env,
        );
        Self { postgres, engine }
    }

    async fn created(&self, name: &str, capacity: u64) {
        self.engine
            .submit(Request::new(put(name, &[("general", capacity)])))
            .await
            .unwrap()
            .result
            .unwrap();
    }
}

/// The sold quantity by the ledger, which must be complete.
async fn sold_by_ledger(postgres: &Postgres, name: &str) -> (u64, Vec<Record>) {
    let records = postgres.reader().records(&event(name), 0, 1_000_000).await.unwrap();
    let (mut prev, mut all) = (Hash::ZERO, Vec::new());
    for (expected, stored) in (1..).zip(&records) {
        let record = Record::from_body(&stored.body).unwrap();
        assert_eq!((record.seq, record.prev), (expected, prev));
        prev = Hash::of(&stored.body);
        all.push(record);
    }
    let sold = all.iter().filter_map(|record| match &record.change {
        inventory::ledger::Change::Sold { items, .. } => Some(items.total()),
        _ => None,
    });
    (sold.sum(), all)
}

#[tokio::test(flavor = "multi_thread")]
async fn three_processes_sell_several_events_out_exactly() {
    let database = Database::with(|_| {}).await;
    let mut replicas = Vec::new();
    for _ in 0..3 {
        replicas.push(Arc::new(Replica::start(&database.options).await));
    }
    let names = ["default", "other"];
    for name in names {
        replicas[0].created(name, 400).await;
    }
    let buyers: Vec<_> = (0..48)
        .map(|number| {
            let (replica, name) = (replicas[number % 3].clone(), names[number % 2]);
            tokio::spawn(async move {
                let mut bought = 0;
                loop {
                    match replica
                        .engine
                        .submit(Request::new(reserve(name, 3)))
                        .await
                        .unwrap()
                        .result
                    {
                        Ok(Outcome::Sold { items, .. }) => bought += items.total(),
                        Err(refusal) if matches!(refusal.kind, RefusalKind::SoldOut { .. }) => {
                            return bought;
                        }
                        other => panic!("{other:?}"),
                    }
                }
            })
        })
        .collect();
    let mut bought = 0;
    for buyer in buyers {
        bought += buyer.await.unwrap();
    }
    assert_eq!(bought, 2 * 399);
    for name in names {
        assert_eq!(sold_by_ledger(&database.postgres, name).await.0, 399);
        for replica in &replicas {
            let seen = replica.engine.event(&event(name)).await.unwrap().unwrap();
            assert_eq!((seen.event.stocks[0].1.sold, seen.event.stocks[0].1.available()), (399, 1));
        }
    }
    for replica in &replicas {
        replica.engine.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn key_used_by_many_processes_has_one_effect() {
    let database = Database::with(|_| {}).await;
    let (one, two) =
        (Replica::start(&database.options).await, Replica::start(&database.options).await);
    for name in ["a", "b"] {
        one.created(name, 1_000).await;
    }
    for round in 0..20 {
        let key = format!("k{round}");
        let tries: Vec<_> = (0..12)
            .map(|number| {
                let engine = if number % 2 == 0 { one.engine.clone() } else { two.engine.clone() };
                let request = keyed(reserve(["a", "b"][number / 2 % 2], 1), &key);
                tokio::spawn(async move { engine.submit(request).await.unwrap() })
            })
            .collect();
        let (mut effects, mut reused) = (0, 0);
        for one in tries {
            let reply = one.await.unwrap();
            match reply.result {
                Ok(_) if !reply.replayed => effects += 1,
                Ok(_) => {}
                Err(refusal) => {
                    assert_eq!(refusal.kind, RefusalKind::KeyReused);
                    reused += 1;
                }
            }
        }
        assert_eq!((effects, reused), (1, 6), "one effect, and the other event is another request");
    }
    let sold = sold_by_ledger(&database.postgres, "a").await.0
        + sold_by_ledger(&database.postgres, "b").await.0;
    assert_eq!(sold, 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn dying_connections_lose_and_duplicate_no_sale() {
    let database =
        Database::with(|options| options.resolve_timeout = Duration::from_secs(10)).await;
    let replica = Arc::new(Replica::start(&database.options).await);
    replica.created("default", 1_000_000).await;
    let (over, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let buyers: Vec<_> = (0..16)
        .map(|buyer| {
            let (replica, over, answered) = (replica.clone(), over.clone(), answered.clone());
            tokio::spawn(async move {
                let (mut acknowledged, mut number, mut troubles) = (Vec::new(), 0, 0);
                while !over.load(Ordering::SeqCst) {
                    let key = format!("b{buyer}-{number}");
                    // A careful buyer tries again with the same key until there is an answer.
                    match replica.engine.submit(keyed(reserve("default", 1), &key)).await {
                        Ok(reply) => {
                            reply.result.unwrap();
                            acknowledged.push((key, reply.seq));
                            number += 1;
                            answered.fetch_add(1, Ordering::SeqCst);
                        }
                        Err(EngineError::Store(_)) => {
                            troubles += 1;
                            tokio::time::sleep(Duration::from_millis(10)).await;
                        }
                        Err(other) => panic!("{other}"),
                    }
                }
                (acknowledged, troubles)
            })
        })
        .collect();
    // Every backend of this database but our own dies, again and again, at any moment of a batch.
    let schema = &database.options.schema;
    let mut round = 0_u64;
    while round < 60 || answered.load(Ordering::SeqCst) <= 100 {
        round += 1;
        assert!(round < 600, "too few are sold to show anything");
        // A busy machine does nothing in so little time: then it is given more.
        tokio::time::sleep(Duration::from_millis(7 + round % 23 + round.saturating_sub(60))).await;
        let kill = format!(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND query LIKE '%{schema}.%'"
        );
        Server::common().run("postgres", &kill).await;
    }
    over.store(true, Ordering::SeqCst);
    let (mut acknowledged, mut troubles) = (Vec::new(), 0);
    for buyer in buyers {
        let (of_one, troubles_of_one) = buyer.await.unwrap();
        acknowledged.extend(of_one);
        troubles += troubles_of_one;
    }
    let (sold, records) = sold_by_ledger(&database.postgres, "default").await;
    let keys: std::collections::HashMap<_, _> = records
        .iter()
        .filter_map(|record| Some((record.key.as_ref()?.key.as_str().to_owned(), record.seq)))
        .collect();
    assert_eq!(keys.len() as u64, sold, "a key has more than one effect");
    for (key, seq) in &acknowledged {
        assert_eq!(keys.get(key), Some(seq), "the acknowledged sale {key} is lost or another");
    }
    let watch = replica.postgres.watch();
    let counts = watch.counts();
    println!("{} acknowledged, {sold} sold, {troubles} troubles, {counts:?}", acknowledged.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn holds_of_other_processes_follow_the_database_clock() {
    let database = Database::with(|_| {}).await;
    let (one, two) =
        (Replica::start(&database.options).await, Replica::start(&database.options).await);
    one.created("default", 10).await;
    let Ok(Outcome::Held { id, .. }) =
        one.engine.submit(Request::new(hold("default", 2, 60_000))).await.unwrap().result
    else {
        panic!()
    };
    two.engine
        .submit(Request::new(CommandKind::Confirm { hold: id, payment_ref: None }))
        .await
        .unwrap()
        .result
        .unwrap();
    one.engine.submit(Request::new(hold("default", 3, 3_000))).await.unwrap().result.unwrap();
    let available = async || {
        two.engine.event(&event("default")).await.unwrap().unwrap().event.stocks[0].1.available()
    };
    assert_eq!(available().await, 5);
    tokio::time::sleep(Duration::from_millis(3_100)).await;
    assert_eq!(available().await, 8);
    let unknown = CommandKind::Release { hold: inventory::HoldId::new(1, [1; 10]) };
    assert_eq!(
        one.engine.submit(Request::new(unknown)).await.unwrap().result.unwrap_err().kind,
        RefusalKind::HoldNotFound
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn hung_process_releases_its_locks_in_time() {
    use inventory::decide::ReadSet;
    use inventory_store::Store;
    let database =
        Database::with(|options| options.lock_timeout = Duration::from_millis(500)).await;
    let replica = Replica::start(&database.options).await;
    replica.created("default", 10).await;
    // It has loaded, and so locked, and does nothing more.
    let mut hung = database.postgres.writer();
    let reads =
        ReadSet { events: std::iter::once(event("default")).collect(), ..ReadSet::default() };
    hung.load(&reads, 0).await.unwrap();
    let since = tokio::time::Instant::now();
    replica.engine.submit(Request::new(reserve("default", 1))).await.unwrap().result.unwrap();
    assert!(since.elapsed() < Duration::from_secs(5));
    // Its earlier decisions cannot be committed any more.
    let mut set = hung.load(&reads, 0).await;
    for _ in 0..20 {
        if set.is_ok() {
            break;
        }
        set = hung.load(&reads, 0).await;
    }
    set.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn arrivals_during_a_lock_wait_are_one_transaction() {
    let database = Database::with(|_| {}).await;
    let replica = Arc::new(Replica::start(&database.options).await);
    replica.created("default", 100).await;
    let held = replica
        .engine
        .submit(Request::new(hold("default", 5, 60_000)))
        .await
        .unwrap()
        .result
        .unwrap();
    let Outcome::Held { id, .. } = held else { panic!("{held:?}") };
    replica.engine.submit(keyed(reserve("default", 1), "old")).await.unwrap().result.unwrap();

    let (mut other, now_ms) = (database.postgres.writer(), 0);
    let reads =
        ReadSet { events: std::iter::once(event("default")).collect(), ..ReadSet::default() };
    let set = other.load(&reads, now_ms).await.unwrap();
    let submit = |request: Request| {
        let replica = replica.clone();
        tokio::spawn(async move { replica.engine.submit(request).await.unwrap() })
    };
    let waiting = async |count: usize| {
        while replica.engine.queued() != count {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let first = submit(Request::new(reserve("default", 1)));
    tokio::time::sleep(Duration::from_millis(200)).await;
    waiting(0).await;
    let customer = Some(crate::support::customer("c"));
    let items = crate::support::items(&[("general", 2)]);
    let mut joining = vec![
        submit(keyed(reserve("default", 1), "old")),
        submit(Request::new(CommandKind::Confirm { hold: id, payment_ref: None })),
        submit(Request::new(CommandKind::Reserve { event: event("default"), items, customer })),
        submit(Request::new(hold("default", 1, 60_000))),
    ];
    joining.extend(
        (0..20).map(|number| submit(keyed(reserve("default", 1), &format!("new {number}")))),
    );
    waiting(24).await;
    other.commit(set, Durability::Synced).await.unwrap();
    first.await.unwrap().result.unwrap();
    let mut replayed = 0;
    for answer in joining {
        let answer = answer.await.unwrap();
        answer.result.unwrap();
        replayed += usize::from(answer.replayed);
    }
    assert_eq!(replayed, 1);
    let (sold, records) = sold_by_ledger(&replica.postgres, "default").await;
    assert_eq!((sold, records.len()), (1 + 1 + 2 + 20, 3 + 1 + 3 + 20));
    let of_last: std::collections::BTreeSet<_> =
        records[3..].iter().map(|record| record.at_ms).collect();
    assert_eq!(of_last.len(), 1, "they were decided at one moment");
}

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
        let bought = CommandKind::Reserve { event: event("default"), items, customer };
        let held = run(vec![bought, hold("default", 1, 60_000), hold("default", 1, 10)]).await;
        run(vec![CommandKind::Confirm { hold: held, payment_ref: None }, reserve("default", 1)])
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
        assert!(since.elapsed() < Duration::from_secs(30), "the server tells of no index scans");
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

/// The server commits at home and waits for a standby that does not come: it may say "committed"
/// when it is disturbed in that.
#[tokio::test(flavor = "multi_thread")]
async fn sale_missing_on_the_standby_is_not_acknowledged() {
    let server = Server::start(&[]);
    let mut options = PostgresOptions::new(server.url("postgres").parse().unwrap());
    options.statement_timeout = Duration::from_millis(700);
    options.lock_timeout = Duration::from_millis(300);
    options.resolve_timeout = Duration::from_millis(1_500);
    let replica = Replica::start(&options).await;
    replica.created("default", 100).await;
    let waiting = async |names: &str| {
        let sql = format!("ALTER SYSTEM SET synchronous_standby_names = '{names}'");
        server.run("postgres", &sql).await;
        server.run("postgres", "SELECT pg_reload_conf()").await;
        while server.ask("postgres", "SHOW synchronous_standby_names").await != names {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        // Backends read it between two statements.
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    let buy = async |key: &str| replica.engine.submit(keyed(reserve("default", 1), key)).await;

    waiting("nobody").await;
    let timed_out = buy("timed out").await;
    assert!(matches!(timed_out, Err(EngineError::Store(StoreError::Unknown(_)))), "{timed_out:?}");
    waiting("").await;
    assert!(
        buy("timed out").await.unwrap().replayed,
        "it took effect, and is acknowledged when it is safe"
    );

    waiting("nobody").await;
    let (disturbed, ()) = tokio::join!(buy("disturbed"), async {
        tokio::time::sleep(Duration::from_millis(400)).await;
        server.run("postgres", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'").await;
    });
    assert!(matches!(disturbed, Err(EngineError::Store(StoreError::Unknown(_)))), "{disturbed:?}");
    waiting("").await;
    assert!(buy("disturbed").await.unwrap().replayed);
    assert_eq!(sold_by_ledger(&replica.postgres, "default").await.0, 2);
}

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
