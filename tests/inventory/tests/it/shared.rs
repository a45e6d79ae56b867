//! The engine over a shared store, with a store in memory that behaves like a database.

use std::{sync::Arc, time::Duration};

use inventory::{Command, CommandKind, HoldId, IdempotencyKey, Limits, Outcome, RefusalKind};
use inventory_engine::{Engine, EngineError, Environment, Request};
use inventory_store::{Durability, Fault, MemoryStore, StoreError};

use crate::support::{
    TestClock, customer, event, hold, key, keyed, put, refuse_one_of_many, reserve,
};

fn start(store: &MemoryStore, clock: &TestClock, cache_ttl: Duration) -> Engine {
    let writers = (0..4).map(|_| store.clone()).collect();
    let env = Environment::seeded(Arc::new(clock.clone()), 1);
    Engine::start_shared(writers, Arc::new(store.clone()), cache_ttl, Limits::default(), env)
}

async fn created(engine: &Engine, name: &str, capacity: u64) {
    engine.submit(Request::new(put(name, &[("general", capacity)]))).await.unwrap().result.unwrap();
}

/// Actions of another process on the same store.
async fn elsewhere(
    store: &MemoryStore,
    kind: CommandKind,
    key: Option<IdempotencyKey>,
    now_ms: u64,
) {
    let command = Command { id: HoldId::new(now_ms, [7; 10]), kind };
    let commands = std::iter::once((&command, key.as_ref()));
    let done = inventory_store::run_batch(
        &mut store.clone(),
        &Limits::default(),
        commands,
        Vec::new(),
        now_ms,
        Durability::Synced,
    )
    .await;
    done.unwrap().replies.remove(0).result.unwrap();
}

async fn sold(engine: &Engine, name: &str) -> u64 {
    engine.event(&event(name)).await.unwrap().unwrap().event.stocks[0].1.sold
}

#[tokio::test(flavor = "multi_thread")]
async fn key_of_an_older_version_is_replayed_to_its_customer() {
    let store = MemoryStore::default();
    let clock = TestClock::at(1_000);
    let engine = start(&store, &clock, Duration::ZERO);
    created(&engine, "default", 10).await;
    let of = |who: &str, qty| match reserve("default", qty) {
        CommandKind::Reserve { event, items, .. } => CommandKind::Reserve {
            event,
            items,
            customer: Some(customer(who)),
            by_seller: false,
            pass: None,
        },
        other => other,
    };
    // Older versions wrote keys without a scope.
    elsewhere(&store, of("a", 2), Some(key("order-1")), 1_000).await;
    let submit = async |kind| engine.submit(keyed(kind, "order-1")).await.unwrap();
    assert!(submit(of("a", 2)).await.replayed, "the same request");
    let other = submit(of("b", 2)).await;
    assert!(!other.replayed && other.result.is_ok(), "another customer");
    assert!(submit(of("b", 2)).await.replayed);
    assert!(submit(of("a", 2)).await.replayed);
    assert_eq!(sold(&engine, "default").await, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn events_sell_out_exactly_with_several_writers() {
    let engine = start(&MemoryStore::default(), &TestClock::at(1_000), Duration::ZERO);
    let names = ["a", "b", "c", "d", "e", "f"];
    for name in names {
        created(&engine, name, 200).await;
    }
    let buyers: Vec<_> = (0..60)
        .map(|number| {
            let (engine, name) = (engine.clone(), names[number % names.len()]);
            tokio::spawn(async move {
                let mut bought = 0;
                while let Ok(Outcome::Sold { items, .. }) =
                    engine.submit(Request::new(reserve(name, 3))).await.unwrap().result
                {
                    bought += items.total();
                }
                bought
            })
        })
        .collect();
    let mut bought = 0;
    for buyer in buyers {
        bought += buyer.await.unwrap();
    }
    assert_eq!(bought, 6 * 198);
    for name in names {
        assert_eq!(sold(&engine, name).await, 198);
    }
    engine.stop().await;
    assert!(matches!(
        engine.submit(Request::new(reserve("a", 1))).await,
        Err(EngineError::Stopping)
    ));
}

#[tokio::test]
async fn conflict_is_retried_and_other_errors_are_returned() {
    let store = MemoryStore::default();
    let engine = start(&store, &TestClock::at(1_000), Duration::ZERO);
    created(&engine, "default", 10).await;
    store.fail_next(Fault::Conflict);
    engine.submit(keyed(reserve("default", 1), "a")).await.unwrap().result.unwrap();
    store.fail_next(Fault::Unavailable);
    let error = engine.submit(keyed(reserve("default", 1), "b")).await.unwrap_err();
    assert!(
        matches!(&error, EngineError::Store(error @ StoreError::Unavailable(_)) if error.is_without_effect())
    );
    store.fail_next(Fault::KeptButUnknown);
    let error = engine.submit(keyed(reserve("default", 1), "c")).await.unwrap_err();
    assert!(
        matches!(&error, EngineError::Store(error @ StoreError::Unknown(_)) if !error.is_without_effect())
    );
    // The engine continues, and the keys return the outcomes.
    assert!(engine.submit(keyed(reserve("default", 1), "c")).await.unwrap().replayed);
    assert!(!engine.submit(keyed(reserve("default", 1), "b")).await.unwrap().replayed);
    assert_eq!(sold(&engine, "default").await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_data_fail_only_their_request() {
    let store = MemoryStore::default();
    let engine = start(&store, &TestClock::at(1_000), Duration::ZERO);
    created(&engine, "default", 1_000).await;
    refuse_one_of_many(&engine, &store).await;
    engine.check().unwrap();
    assert_eq!(sold(&engine, "default").await, 2 * 93);
}

#[tokio::test]
async fn own_writes_are_seen_at_once_and_others_after_the_ttl() {
    let store = MemoryStore::default();
    let engine = start(&store, &TestClock::at(1_000), Duration::from_millis(200));
    created(&engine, "default", 10).await;
    assert_eq!(sold(&engine, "default").await, 0);
    elsewhere(&store, reserve("default", 1), None, 1_000).await;
    tokio::time::sleep(Duration::from_millis(250)).await;
    assert_eq!(sold(&engine, "default").await, 1);
    engine.submit(Request::new(reserve("default", 1))).await.unwrap().result.unwrap();
    assert_eq!(sold(&engine, "default").await, 2);
    // An event made elsewhere is found, and so is one that was missing a while ago.
    assert!(engine.event(&event("new")).await.unwrap().is_none());
    elsewhere(&store, put("new", &[("general", 1)]), None, 1_000).await;
    tokio::time::sleep(Duration::from_millis(250)).await;
    assert!(engine.event(&event("new")).await.unwrap().is_some());
    assert_eq!(engine.events(None, 10).await.unwrap().0.len(), 2);
}

#[tokio::test]
async fn key_used_by_another_process_is_replayed() {
    let store = MemoryStore::default();
    let engine = start(&store, &TestClock::at(1_000), Duration::ZERO);
    created(&engine, "default", 10).await;
    elsewhere(&store, reserve("default", 2), Some(key("k")), 1_000).await;
    assert!(engine.submit(keyed(reserve("default", 2), "k")).await.unwrap().replayed);
    assert_eq!(sold(&engine, "default").await, 2);
}

#[tokio::test]
async fn holds_find_their_event_and_unknown_holds_are_refused() {
    let store = MemoryStore::default();
    let clock = TestClock::at(1_000);
    let engine = start(&store, &clock, Duration::ZERO);
    created(&engine, "default", 10).await;
    elsewhere(&store, hold("default", 2, 60_000), None, 1_000).await;
    let id = HoldId::new(1_000, [7; 10]);
    engine
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
    let unknown = CommandKind::Release { hold: HoldId::new(1, [1; 10]) };
    let refused = engine.submit(Request::new(unknown)).await.unwrap().result.unwrap_err();
    assert_eq!(refused.kind, RefusalKind::HoldNotFound);
}

#[tokio::test]
async fn unreachable_store_gives_stale_reads_and_no_writes() {
    let store = MemoryStore::default();
    let engine = start(&store, &TestClock::at(1_000), Duration::ZERO);
    created(&engine, "default", 10).await;
    assert!(engine.event(&event("default")).await.unwrap().unwrap().stale.is_none());
    store.set_reachable(false);
    let seen = engine.event(&event("default")).await.unwrap().unwrap();
    assert!(seen.stale.is_some() && seen.event.stocks[0].1.available() == 10);
    assert!(engine.events(None, 10).await.unwrap().0[0].stale.is_some());
    assert!(matches!(
        engine.event(&event("unknown")).await,
        Err(EngineError::Store(StoreError::Unavailable(_)))
    ));
    assert!(matches!(
        engine.submit(Request::new(reserve("default", 1))).await,
        Err(EngineError::Store(StoreError::Unavailable(_)))
    ));
    assert!(engine.check().is_err());
    store.set_reachable(true);
    engine.check().unwrap();
    engine.submit(Request::new(reserve("default", 1))).await.unwrap().result.unwrap();
    assert!(engine.event(&event("default")).await.unwrap().unwrap().stale.is_none());
}

#[tokio::test]
async fn expiry_is_visible_on_time_and_written_unasked() {
    let store = MemoryStore::default();
    let clock = TestClock::at(1_000);
    let engine = start(&store, &clock, Duration::from_secs(60));
    created(&engine, "default", 10).await;
    engine.submit(Request::new(hold("default", 4, 500))).await.unwrap().result.unwrap();
    let available = async || {
        engine.event(&event("default")).await.unwrap().unwrap().event.stocks[0].1.available()
    };
    assert_eq!(available().await, 6);
    clock.set(1_500);
    assert_eq!(available().await, 10);
    engine.submit(Request::new(hold("default", 4, 500))).await.unwrap().result.unwrap();
    clock.set(2_000);
    for _ in 0..500 {
        if engine.published()[0].event.seq == 5 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the expiry was never written down");
}

#[tokio::test]
async fn writer_panic_fails_all_waiting_requests() {
    let store = MemoryStore::default();
    let engine = start(&store, &TestClock::at(1_000), Duration::ZERO);
    created(&engine, "default", 10).await;
    store.fail_next(Fault::Panic);
    assert!(matches!(
        engine.submit(Request::new(reserve("default", 1))).await,
        Err(EngineError::Store(_))
    ));
    assert!(matches!(engine.failed().await, StoreError::Failed(_)));
    assert!(matches!(
        engine.submit(Request::new(reserve("default", 1))).await,
        Err(EngineError::Store(_))
    ));
}
