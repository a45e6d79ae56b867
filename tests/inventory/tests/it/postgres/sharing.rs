//! Several processes on one database: sales, keys, locks and dying connections.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use inventory::{CommandKind, Outcome, RefusalKind, decide::ReadSet};
use inventory_engine::{EngineError, Request};
use inventory_store::{Durability, Store};
use test_postgres::Server;

use super::replica::{Replica, sold_by_ledger};
use crate::support::{Database, event, hold, keyed, reserve};

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
        .submit(Request::new(CommandKind::Confirm {
            hold: id,
            payment_ref: None,
            amount: None,
            by_seller: false,
        }))
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
        submit(Request::new(CommandKind::Confirm {
            hold: id,
            payment_ref: None,
            amount: None,
            by_seller: false,
        })),
        submit(Request::new(CommandKind::Reserve {
            event: event("default"),
            items,
            customer,
            by_seller: false,
            pass: None,
        })),
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
