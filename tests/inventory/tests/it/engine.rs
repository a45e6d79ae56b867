//! The engine among many callers, and when things go wrong.

use std::{sync::Arc, time::Duration};

use inventory::{CommandKind, Limits, Outcome, RefusalKind, domain::WaitlistSettings};
use inventory_engine::{Engine, EngineError, Environment, Request};
use inventory_store::{Fault, MemoryStore, StoreError};

use crate::support::{
    TestClock, event, hold, items, keyed, open, put, refuse_one_of_many, reserve, start,
};

fn memory(store: &MemoryStore, limits: Limits, clock: &TestClock) -> Engine {
    Engine::start(store.clone(), limits, Environment::seeded(Arc::new(clock.clone()), 1)).unwrap()
}

async fn created(engine: &Engine, capacity: u64) {
    engine
        .submit(Request::new(put("default", &[("general", capacity)])))
        .await
        .unwrap()
        .result
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_requests_with_one_key_have_one_effect() {
    let dir = tempfile::tempdir().unwrap();
    let engine = start(open(dir.path()), &TestClock::at(1_000));
    created(&engine, 5_000).await;
    let tries = (0..1_000).map(|_| {
        let engine = engine.clone();
        tokio::spawn(
            async move { engine.submit(keyed(reserve("default", 2), "once")).await.unwrap() },
        )
    });
    let mut replies = Vec::new();
    for one in tries.collect::<Vec<_>>() {
        replies.push(one.await.unwrap());
    }
    assert!(replies.iter().all(|reply| reply.result == replies[0].result && reply.seq == 2));
    assert_eq!(replies.iter().filter(|reply| !reply.replayed).count(), 1);
    let view = engine.event(&event("default")).await.unwrap().unwrap();
    assert_eq!((view.event.stocks[0].1.sold, view.event.seq), (2, 2));
    engine.stop().await;
}

#[tokio::test]
async fn reader_sees_that_a_waiting_list_has_ended() {
    let clock = TestClock::at(1_000);
    let engine = memory(&MemoryStore::default(), Limits::default(), &clock);
    let mut sale = put("default", &[("general", 1)]);
    let CommandKind::PutEvent { settings, .. } = &mut sale else { unreachable!() };
    settings.closes_at_ms = Some(5_000);
    settings.waitlist = Some(WaitlistSettings { offer_ttl_ms: 100 });
    let wait = CommandKind::JoinWaitlist {
        event: event("default"),
        items: items(&[("general", 1)]),
        customer: None,
    };
    for kind in [sale, reserve("default", 1), wait.clone(), wait] {
        engine.submit(Request::new(kind)).await.unwrap().result.unwrap();
    }
    let waiting = async || {
        let view = engine.event(&event("default")).await.unwrap().unwrap();
        (view.view.event.waitlist.waiting, view.view.event.seq)
    };
    clock.set(4_999);
    assert_eq!(waiting().await, (2, 4));
    clock.set(5_000);
    assert_eq!((waiting().await, waiting().await), ((0, 6), (0, 6)));
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_data_fail_only_their_request() {
    let store = MemoryStore::default();
    let engine = memory(&store, Limits::default(), &TestClock::at(1_000));
    created(&engine, 1_000).await;
    refuse_one_of_many(&engine, &store).await;
    engine.check().unwrap();
    let view = engine.event(&event("default")).await.unwrap().unwrap();
    assert_eq!(view.event.stocks[0].1.sold, 2 * 93);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_buyers_sell_out_exactly() {
    let dir = tempfile::tempdir().unwrap();
    let engine = start(open(dir.path()), &TestClock::at(1_000));
    created(&engine, 1_000).await;
    let buyers = (0..100).map(|_| {
        let engine = engine.clone();
        tokio::spawn(async move {
            let mut bought = 0;
            loop {
                match engine.submit(Request::new(reserve("default", 3))).await.unwrap().result {
                    Ok(Outcome::Sold { items, .. }) => bought += items.total(),
                    Err(refusal) => {
                        assert!(matches!(refusal.kind, RefusalKind::SoldOut { .. }));
                        return bought;
                    }
                    Ok(other) => panic!("{other:?}"),
                }
            }
        })
    });
    let mut bought = 0;
    for buyer in buyers.collect::<Vec<_>>() {
        bought += buyer.await.unwrap();
    }
    assert_eq!(bought, 999);
    engine.stop().await;
}

#[tokio::test]
async fn command_of_a_gone_caller_is_committed() {
    let engine = memory(&MemoryStore::default(), Limits::default(), &TestClock::at(1_000));
    created(&engine, 10).await;
    for number in 0..5 {
        let submission = engine.submit(keyed(reserve("default", 1), &format!("k{number}")));
        // Polled once, so it is queued; then dropped, as when its client hangs up.
        let mut submission = Box::pin(submission);
        let waker = std::task::Waker::noop();
        let _ = submission.as_mut().poll(&mut std::task::Context::from_waker(waker));
    }
    let reply = engine.submit(Request::new(reserve("default", 1))).await.unwrap();
    let Ok(Outcome::Sold { left, .. }) = reply.result else { panic!("{reply:?}") };
    assert_eq!(left[0].1, 4);
}

#[tokio::test]
async fn full_queue_refuses_and_expired_request_is_dropped() {
    let limits = Limits { queue_max: 3, ..Limits::default() };
    // The committer is not running yet, so requests stay in the queue.
    let (engine, committer) = Engine::assemble(
        MemoryStore::default(),
        limits,
        Environment::seeded(Arc::new(TestClock::at(1)), 1),
    );
    let waiting: Vec<_> = (0..3)
        .map(|number| {
            let engine = engine.clone();
            let deadline =
                (number == 2).then(|| tokio::time::Instant::now() - Duration::from_millis(1));
            tokio::spawn(async move {
                engine.submit(Request { deadline, ..Request::new(reserve("default", 1)) }).await
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert_eq!(engine.queued(), 3);
    assert!(matches!(
        engine.submit(Request::new(reserve("default", 1))).await,
        Err(EngineError::Busy)
    ));
    let running = tokio::spawn(committer.run());
    let mut results = Vec::new();
    for one in waiting {
        results.push(one.await.unwrap());
    }
    assert!(results[..2].iter().all(|result| matches!(result, Ok(reply) if reply.result.is_err())));
    assert!(matches!(results[2], Err(EngineError::DeadlinePassed)));
    engine.stop().await;
    running.await.unwrap();
    assert!(matches!(
        engine.submit(Request::new(reserve("default", 1))).await,
        Err(EngineError::Stopping)
    ));
}

#[tokio::test]
async fn store_error_fails_all_waiting_and_ends_the_engine() {
    for (fault, kept) in [(Fault::Lost, false), (Fault::KeptButFailed, true)] {
        let store = MemoryStore::default();
        let clock = TestClock::at(1_000);
        let engine = memory(&store, Limits::default(), &clock);
        created(&engine, 10).await;
        store.fail_next(fault);
        let error = engine.submit(keyed(reserve("default", 1), "k")).await.unwrap_err();
        assert!(matches!(error, EngineError::Store(StoreError::Failed(_))));
        assert!(matches!(engine.failed().await, StoreError::Failed(_)));
        assert!(matches!(
            engine.submit(Request::new(reserve("default", 1))).await,
            Err(EngineError::Store(_))
        ));
        assert!(engine.check().is_err());
        // After a restart the key returns the outcome, and there is one effect either way.
        let engine = memory(&store, Limits::default(), &clock);
        let reply = engine.submit(keyed(reserve("default", 1), "k")).await.unwrap();
        assert_eq!(reply.replayed, kept);
        let view = engine.event(&event("default")).await.unwrap().unwrap();
        assert_eq!(view.event.stocks[0].1.sold, 1);
    }
}

#[tokio::test]
async fn committer_panic_fails_all_waiting_requests() {
    let store = MemoryStore::default();
    let engine = memory(&store, Limits::default(), &TestClock::at(1_000));
    created(&engine, 10).await;
    store.fail_next(Fault::Panic);
    let error = engine.submit(Request::new(reserve("default", 1))).await.unwrap_err();
    assert!(matches!(error, EngineError::Store(_)), "whether it happened is not known: {error}");
    assert!(matches!(engine.failed().await, StoreError::Failed(_)));
    assert!(matches!(
        engine.submit(Request::new(reserve("default", 1))).await,
        Err(EngineError::Store(_))
    ));
}

#[tokio::test]
async fn expired_items_are_available_from_that_millisecond() {
    let clock = TestClock::at(1_000);
    let engine = memory(&MemoryStore::default(), Limits::default(), &clock);
    created(&engine, 10).await;
    engine.submit(Request::new(hold("default", 4, 500))).await.unwrap().result.unwrap();
    let available = async || {
        engine.event(&event("default")).await.unwrap().unwrap().event.stocks[0].1.available()
    };
    clock.set(1_499);
    assert_eq!(available().await, 6);
    clock.set(1_500);
    let readers: Vec<_> = (0..50).map(|_| available()).collect();
    for reader in readers {
        assert_eq!(reader.await, 10);
    }
    // One expiry, one record, however many readers asked.
    assert_eq!(engine.event(&event("default")).await.unwrap().unwrap().event.seq, 3);
}

#[tokio::test]
async fn expiry_is_written_unasked() {
    let engine =
        Engine::start(MemoryStore::default(), Limits::default(), Environment::system()).unwrap();
    created(&engine, 10).await;
    engine.submit(Request::new(hold("default", 4, 50))).await.unwrap().result.unwrap();
    for _ in 0..200 {
        if engine.published()[0].event.seq == 3 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the expiry was never written down");
}

#[tokio::test(start_paused = true)]
async fn retry_waits_for_the_first_request_until_its_deadline() {
    let clock = TestClock::at(1_000);
    let (engine, committer) = Engine::assemble(
        MemoryStore::default(),
        Limits::default(),
        Environment::seeded(Arc::new(clock), 1),
    );
    let in_ms = |ms| Some(tokio::time::Instant::now() + Duration::from_millis(ms));
    let submit = |request: Request| {
        tokio::spawn({
            let engine = engine.clone();
            async move { engine.submit(request).await }
        })
    };
    // The committer does not run yet.
    let created = submit(Request::new(put("default", &[("general", 10)])));
    let first = submit(keyed(reserve("default", 2), "k"));
    let second = submit(Request { deadline: in_ms(50), ..keyed(reserve("default", 2), "k") });
    let other = submit(Request { deadline: in_ms(50), ..keyed(reserve("default", 1), "other") });
    assert!(matches!(second.await.unwrap(), Err(EngineError::KeyInFlight)));
    let patient = submit(Request { deadline: in_ms(60_000), ..keyed(reserve("default", 2), "k") });
    tokio::time::sleep(Duration::from_millis(10)).await;
    tokio::spawn(committer.run());
    created.await.unwrap().unwrap().result.unwrap();
    let (first, patient) = (first.await.unwrap().unwrap(), patient.await.unwrap().unwrap());
    assert_eq!((first.result, first.replayed, patient.replayed), (patient.result, false, true));
    assert!(
        matches!(other.await.unwrap(), Err(EngineError::DeadlinePassed)),
        "alone with its key: nothing was done"
    );
    assert_eq!(engine.stats().counts().late, 2, "it and the second");
}

#[tokio::test]
async fn commands_that_finish_holds_bypass_a_full_queue() {
    let clock = TestClock::at(1_000);
    let limits = Limits { queue_max: 8, ..Limits::default() };
    let (engine, committer) =
        Engine::assemble(MemoryStore::default(), limits, Environment::seeded(Arc::new(clock), 1));
    let submit = |request: Request| {
        tokio::spawn({
            let engine = engine.clone();
            async move { engine.submit(request).await }
        })
    };
    let mut begun = vec![submit(Request::new(put("default", &[("general", 10)])))];
    begun.extend((0..6).map(|_| submit(Request::new(reserve("default", 1)))));
    while engine.queued() < 7 {
        tokio::task::yield_now().await;
    }
    assert!(matches!(
        engine.submit(Request::new(reserve("default", 1))).await,
        Err(EngineError::Busy)
    ));
    let unknown = inventory::HoldId::new(1, [1; 10]);
    let confirm = submit(Request::new(inventory::CommandKind::Confirm {
        hold: unknown,
        payment_ref: None,
        amount: None,
        by_seller: false,
    }));
    while engine.queued() < 8 {
        tokio::task::yield_now().await;
    }
    tokio::spawn(committer.run());
    assert!(
        matches!(confirm.await.unwrap().unwrap().result, Err(refusal) if refusal.kind == RefusalKind::HoldNotFound)
    );
    for one in begun {
        one.await.unwrap().unwrap().result.unwrap();
    }
    assert_eq!((engine.stats().counts().busy, engine.queued()), (1, 0));
}

#[tokio::test]
async fn batch_has_at_most_batch_max_commands() {
    let limits = Limits { batch_max: 4, ..Limits::default() };
    let (engine, committer) = Engine::assemble(
        MemoryStore::default(),
        limits,
        Environment::seeded(Arc::new(TestClock::at(1)), 1),
    );
    let sizes = Arc::new(std::sync::Mutex::new(Vec::new()));
    let seen = sizes.clone();
    engine.stats().observe(move |batch| seen.lock().unwrap().push(batch.commands));
    // All of them wait before the first batch is taken.
    let answers = tokio::spawn({
        let engine = engine.clone();
        async move {
            engine.submit_all((0..10).map(|_| Request::new(reserve("default", 1))).collect()).await
        }
    });
    while engine.queued() < 10 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let running = tokio::spawn(committer.run());
    assert_eq!(answers.await.unwrap().len(), 10);
    engine.stop().await;
    running.await.unwrap();
    assert_eq!(*sizes.lock().unwrap(), [4, 4, 2]);
}
