//! Look-ups of reservations: pages, conditions, and the index of stores that are older than it.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use inventory::{CommandKind, HoldId, Limits, Outcome, PaymentRef};
use inventory_audit::verify::{VerifyOptions, verify_data_dir};
use inventory_embedded::{EmbeddedOptions, EmbeddedStore, Tables, tables::INDEXED_RECORDS};
use inventory_engine::{Engine, EngineError, Environment, Request, ReservationFilter};
use inventory_store::{OwnedStore, StoreError};

use crate::support::{Database, TestClock, customer, event, items, open, put, start};

pub fn by_customer(name: &str) -> ReservationFilter {
    ReservationFilter { customer: Some(customer(name)), ..ReservationFilter::default() }
}

pub fn by_payment(text: &str) -> ReservationFilter {
    let payment_ref = Some(PaymentRef::new(text).unwrap());
    ReservationFilter { payment_ref, ..ReservationFilter::default() }
}

pub async fn create(engine: &Engine, name: &str) {
    let put = put(name, &[("general", 1_000_000)]);
    engine.submit(Request::new(put)).await.unwrap().result.unwrap();
}

/// Holds for each customer, all at once; returns the ids in the order of the customers.
pub async fn hold_for(engine: &Engine, name: &str, customers: &[&str]) -> Vec<HoldId> {
    let hold = |who: &&str| CommandKind::Hold {
        event: event(name),
        items: items(&[("general", 1)]),
        customer: Some(customer(who)),
        ttl_ms: Some(600_000),
        pass: None,
    };
    let requests = customers.iter().map(|who| Request::new(hold(who))).collect();
    let replies = engine.submit_all(requests).await;
    let ids = replies.into_iter().map(|reply| match reply.unwrap().result.unwrap() {
        Outcome::Held { id, .. } => id,
        other => panic!("{other:?}"),
    });
    ids.collect()
}

pub async fn confirm(engine: &Engine, holds: &[HoldId], payment: &str) {
    let payment_ref = Some(PaymentRef::new(payment).unwrap());
    let confirm = |hold: &HoldId| CommandKind::Confirm {
        hold: *hold,
        payment_ref: payment_ref.clone(),
        amount: None,
        by_seller: false,
    };
    let requests = holds.iter().map(|hold| Request::new(confirm(hold))).collect();
    for reply in engine.submit_all(requests).await {
        reply.unwrap().result.unwrap();
    }
}

/// All pages of a look-up, and how many there were.
pub async fn pages(
    engine: &Engine,
    filter: &ReservationFilter,
    limit: usize,
) -> Result<(Vec<HoldId>, usize), EngineError> {
    let (mut found, mut before, mut pages) = (Vec::new(), None, 0);
    loop {
        let page = engine.reservations(filter, before, limit).await?;
        assert!(page.holds.len() <= limit);
        found.extend(page.holds.iter().map(|hold| hold.id));
        pages += 1;
        let Some(next) = page.next else { return Ok((found, pages)) };
        assert!(before.is_none_or(|before| next < before), "every page goes on");
        before = Some(next);
    }
}

/// All pages, once the index is built.
pub async fn once_built(engine: &Engine, filter: &ReservationFilter) -> Vec<HoldId> {
    let since = Instant::now();
    loop {
        match pages(engine, filter, 100).await {
            Ok((found, _)) => return found,
            Err(EngineError::Store(StoreError::IndexBuilding)) => {}
            Err(other) => panic!("{other}"),
        }
        assert!(since.elapsed() < Duration::from_secs(60), "the index is not built");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

fn newest_first(mut ids: Vec<HoldId>) -> Vec<HoldId> {
    ids.sort_unstable_by(|a, b| b.cmp(a));
    ids
}

/// The same on a store of this process and on one that is shared.
async fn check_conditions(engine: &Engine) {
    for name in ["a", "a-b"] {
        create(engine, name).await;
    }
    let many: Vec<_> = (0..2_500).map(|number| format!("c{}", number % 50)).collect();
    let many: Vec<_> = many.iter().map(String::as_str).collect();
    let cash = hold_for(engine, "a", &many).await;
    confirm(engine, &cash, "cash").await;
    let elsewhere = hold_for(engine, "a-b", &["c7", "c7", "rare", "c8"]).await;
    confirm(engine, &elsewhere[..3], "cash").await;
    let of = |name: &str| {
        many.iter()
            .zip(&cash)
            .filter(|(who, _)| **who == name)
            .map(|(_, id)| *id)
            .collect::<Vec<_>>()
    };
    let all: Vec<_> = cash.iter().chain(&elsewhere[..3]).copied().collect();
    let in_event =
        |filter: ReservationFilter, name| ReservationFilter { event: Some(event(name)), ..filter };
    let both = |who| ReservationFilter { customer: Some(customer(who)), ..by_payment("cash") };
    let c7: Vec<_> = of("c7").into_iter().chain(elsewhere[..2].iter().copied()).collect();
    for (filter, expected) in [
        (by_payment("cash"), all),
        (by_customer("c7"), c7.clone()),
        (both("c7"), c7),
        (in_event(by_customer("c7"), "a"), of("c7")),
        (in_event(by_customer("c7"), "a-b"), elsewhere[..2].to_vec()),
        (in_event(both("c7"), "a"), of("c7")),
        (both("rare"), vec![elsewhere[2]]),
        (in_event(by_payment("cash"), "a-b"), elsewhere[..3].to_vec()),
        (both("c8"), of("c8")),
        (in_event(by_payment("cash"), "nowhere"), vec![]),
        (by_customer("nobody"), vec![]),
        (ReservationFilter::default(), vec![]),
        (in_event(ReservationFilter::default(), "a"), vec![]),
    ] {
        let expected = newest_first(expected);
        for limit in [20, 1_000, 5_000].into_iter().filter(|limit| expected.len() < limit * 6) {
            let (found, pages) = pages(engine, &filter, limit).await.unwrap();
            assert_eq!(found, expected, "{filter:?} by {limit}");
            // At most 1,000 are examined for a page, so that no call takes long.
            assert!(pages <= expected.len().div_ceil(limit) + 3, "{pages} {filter:?} by {limit}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn conditions_and_pages_find_everything_once() {
    let (data, clock) = (tempfile::tempdir().unwrap(), TestClock::at(1_000));
    let engine = start(open(data.path()), &clock);
    check_conditions(&engine).await;
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn conditions_and_pages_find_everything_once_in_a_database() {
    let database = Database::new().await;
    let (writers, reader) = (database.postgres.writers(), database.postgres.reader());
    let env = Environment::seeded(Arc::new(TestClock::at(1_000)), 1);
    let engine = Engine::start_shared(writers, reader, Duration::ZERO, Limits::default(), env);
    check_conditions(&engine).await;
    engine.stop().await;
}

/// Makes holds of `new` and `c3`, and confirms those of `new` with payment `new`, until the flag is
/// set. The task returns the ids of all of them.
pub fn keep_selling(
    engine: &Engine,
    clock: Option<TestClock>,
) -> (Arc<AtomicBool>, tokio::task::JoinHandle<Vec<HoldId>>) {
    let stop = Arc::new(AtomicBool::new(false));
    let (engine, stopped) = (engine.clone(), stop.clone());
    let task = tokio::spawn(async move {
        let (mut ids, mut now_ms) = (Vec::new(), 10_000);
        while !stopped.load(Ordering::Relaxed) {
            now_ms += 1;
            if let Some(clock) = &clock {
                clock.set(now_ms);
            }
            let held = hold_for(&engine, "a", &["new", "c3"]).await;
            confirm(&engine, &held[..1], "new").await;
            ids.extend(held);
        }
        ids
    });
    (stop, task)
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_are_complete_while_sales_go_on() {
    let (data, clock) = (tempfile::tempdir().unwrap(), TestClock::at(1_000));
    let engine = start(open(data.path()), &clock);
    create(&engine, "a").await;
    let before = newest_first(hold_for(&engine, "a", &["c3"; 700]).await);
    let (stop, selling) = keep_selling(&engine, Some(clock));
    for limit in [7, 100] {
        let (found, _) = pages(&engine, &by_customer("c3"), limit).await.unwrap();
        let mut distinct = found.clone();
        distinct.dedup();
        assert_eq!(distinct, newest_first(found.clone()), "none twice, in order");
        let old: Vec<_> = found.into_iter().filter(|id| before.contains(id)).collect();
        assert_eq!(old, before, "none left out");
    }
    stop.store(true, Ordering::Relaxed);
    assert!(!selling.await.unwrap().is_empty());
    engine.stop().await;
}

/// Changes the tables of a store that no process has open.
fn alter(dir: &Path, change: impl FnOnce(&Tables)) {
    let tables = Tables::open(&dir.join("db/tables"), &EmbeddedOptions::default()).unwrap();
    change(&tables);
    tables.db.persist(fjall::PersistMode::SyncAll).unwrap();
}

/// Makes a store look as a version without the index leaves it.
fn without_index(tables: &Tables) {
    tables.lookup.clear().unwrap();
    tables.meta.remove(INDEXED_RECORDS).unwrap();
}

/// A stopped store with holds of 50 customers, some of them paid; returns those of `c3`, and those
/// with payment `paid`.
async fn filled(dir: &Path, holds: usize) -> (Vec<HoldId>, Vec<HoldId>) {
    let engine = start(open(dir), &TestClock::at(1_000));
    create(&engine, "a").await;
    let names: Vec<_> = (0..holds).map(|number| format!("c{}", number % 50)).collect();
    let ids = hold_for(&engine, "a", &names.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let paid: Vec<_> = ids.iter().step_by(7).copied().collect();
    confirm(&engine, &paid, "paid").await;
    engine.stop().await;
    let c3 = ids.iter().skip(3).step_by(50).copied().collect();
    (newest_first(c3), newest_first(paid))
}

async fn verified(dir: &Path) {
    verify_data_dir(dir, &VerifyOptions::default(), |_| {}).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn index_of_an_older_store_is_built_while_sales_go_on() {
    let data = tempfile::tempdir().unwrap();
    let (c3, paid) = filled(data.path(), 5_000).await;
    alter(data.path(), without_index);
    verified(data.path()).await;

    let clock = TestClock::at(10_000);
    let engine = start(open(data.path()), &clock);
    let refused = pages(&engine, &by_customer("c3"), 10).await.unwrap_err();
    assert!(matches!(refused, EngineError::Store(StoreError::IndexBuilding)), "{refused}");
    let (stop, selling) = keep_selling(&engine, Some(clock));
    assert_eq!(once_built(&engine, &by_payment("paid")).await, paid);
    stop.store(true, Ordering::Relaxed);
    let sold = selling.await.unwrap();
    assert!(sold.len() >= 2, "nothing was sold meanwhile");
    let new: Vec<_> = sold.iter().step_by(2).copied().collect();
    let others = sold.iter().skip(1).step_by(2).copied();
    for (filter, expected) in [
        (by_customer("c3"), c3.iter().copied().chain(others).collect()),
        (by_customer("new"), new.clone()),
        (by_payment("new"), new),
    ] {
        assert_eq!(once_built(&engine, &filter).await, newest_first(expected), "{filter:?}");
    }
    engine.stop().await;
    drop(engine);
    verified(data.path()).await;
    // It is complete at the next start.
    let engine = start(open(data.path()), &TestClock::at(20_000));
    assert_eq!(pages(&engine, &by_payment("paid"), 100).await.unwrap().0, paid);
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn index_is_built_again_after_a_version_without_it() {
    let data = tempfile::tempdir().unwrap();
    let (c3, paid) = filled(data.path(), 600).await;
    // The older version has sold to some customers, and has left the count of the index as it was.
    alter(data.path(), |tables| {
        let rows: Vec<_> = tables.lookup.iter().map(|row| row.key().unwrap()).collect();
        for row in rows.iter().step_by(3) {
            tables.lookup.remove(&row[..]).unwrap();
        }
        let fewer = tables.indexed_records().unwrap() - 10;
        let row = inventory_embedded::rows::encode(&fewer).unwrap();
        tables.meta.insert(INDEXED_RECORDS, row).unwrap();
    });
    verified(data.path()).await;
    let engine = start(open(data.path()), &TestClock::at(10_000));
    assert_eq!(once_built(&engine, &by_customer("c3")).await, c3);
    assert_eq!(once_built(&engine, &by_payment("paid")).await, paid);
    engine.stop().await;
    drop(engine);
    verified(data.path()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn interrupted_index_is_built_by_the_next_start() {
    let data = tempfile::tempdir().unwrap();
    let (c3, _) = filled(data.path(), 3_000).await;
    alter(data.path(), without_index);
    for _ in 0..3 {
        // Closing waits for the builder, so that the next opening finds the directory free.
        drop(open(data.path()));
    }
    verified(data.path()).await;
    let store = open(data.path());
    assert_eq!(store.views().len(), 1);
    let engine = start(store, &TestClock::at(10_000));
    assert_eq!(once_built(&engine, &by_customer("c3")).await, c3);
    engine.stop().await;
    drop(engine);
    verified(data.path()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn migrated_store_has_its_index_at_once() {
    let data = tempfile::tempdir().unwrap();
    let (c3, paid) = filled(data.path(), 300).await;
    alter(data.path(), without_index);
    std::fs::write(data.path().join("db/FORMAT"), "0\n").unwrap();
    let store = EmbeddedStore::open(data.path(), &EmbeddedOptions::default()).unwrap();
    let engine = start(store, &TestClock::at(10_000));
    assert_eq!(pages(&engine, &by_customer("c3"), 100).await.unwrap().0, c3);
    assert_eq!(pages(&engine, &by_payment("paid"), 100).await.unwrap().0, paid);
    engine.stop().await;
    drop(engine);
    verified(data.path()).await;
}
