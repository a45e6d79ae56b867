//! Requests that join a batch which waits for its event.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use inventory::{
    CommandKind, Limits, Outcome,
    decide::{ReadSet, WorkingSet},
};
use inventory_engine::{Engine, Environment, Request};
use inventory_store::{Durability, EventView, MemoryStore, Reader, SharedStore, Store, StoreError};

use crate::{
    queue::commands::{OPENS, SALE, Show, call, claim, join, leaf, leaves, pause, sell},
    support::{TestClock, event, hold, keyed, put, reserve},
};

/// A store whose events are often locked by others: a load takes a turn.
#[derive(Clone, Default)]
struct Contended {
    store: MemoryStore,
    turns: Arc<AtomicUsize>,
}

impl Contended {
    /// An engine with one writer.
    fn engine(&self, clock: &TestClock) -> Engine {
        let env = Environment::seeded(Arc::new(clock.clone()), 1);
        let (writers, reader) = (vec![self.clone()], Arc::new(self.store.clone()));
        Engine::start_shared(writers, reader, Duration::ZERO, Limits::default(), env)
    }

    fn give(&self, turns: usize) {
        self.turns.fetch_add(turns, Ordering::SeqCst);
    }
}

impl Store for Contended {
    async fn load(&mut self, reads: &ReadSet, now_ms: u64) -> Result<WorkingSet, StoreError> {
        while self
            .turns
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |turns| turns.checked_sub(1))
            .is_err()
        {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        self.store.load(reads, now_ms).await
    }

    async fn commit(
        &mut self,
        set: WorkingSet,
        durability: Durability,
    ) -> Result<Vec<EventView>, StoreError> {
        self.store.commit(set, durability).await
    }

    fn reader(&self) -> Arc<dyn Reader> {
        Store::reader(&self.store)
    }
}

impl SharedStore for Contended {
    async fn load_more(&mut self, set: &mut WorkingSet, reads: &ReadSet) -> Result<(), StoreError> {
        self.store.load_more(set, reads).await
    }
}

/// Lets spawned tasks run until they wait.
async fn settle() {
    tokio::time::sleep(Duration::from_millis(100)).await;
}

#[tokio::test]
async fn late_arrivals_join_the_batch_except_expiries() {
    let store = Contended::default();
    let clock = TestClock::at(1_000);
    let engine = store.engine(&clock);
    let submit = |request: Request| {
        let engine = engine.clone();
        tokio::spawn(async move { engine.submit(request).await.unwrap() })
    };
    store.give(4);
    engine.submit(Request::new(put("default", &[("general", 100)]))).await.unwrap().result.unwrap();
    engine.submit(keyed(reserve("default", 1), "old")).await.unwrap().result.unwrap();
    let held =
        engine.submit(Request::new(hold("default", 5, 60_000))).await.unwrap().result.unwrap();
    let Outcome::Held { id, .. } = held else { panic!("{held:?}") };
    engine.submit(Request::new(hold("default", 7, 1_000))).await.unwrap().result.unwrap();

    let first = submit(Request::new(reserve("default", 1)));
    settle().await;
    let again = submit(keyed(reserve("default", 1), "old"));
    let new = submit(keyed(reserve("default", 1), "new"));
    let confirmed = submit(Request::new(CommandKind::Confirm {
        hold: id,
        payment_ref: None,
        amount: None,
        by_seller: false,
    }));
    let another = submit(Request::new(hold("default", 1, 60_000)));
    settle().await;
    // One more hold has run out, which the batch that waits cannot know of.
    clock.set(2_500);
    let reading = engine.clone();
    let read = tokio::spawn(async move {
        reading.event(&event("default")).await.unwrap().unwrap().event.stocks[0].1.available()
    });
    settle().await;
    store.give(1);
    let first = first.await.unwrap();
    assert!(first.result.is_ok() && again.await.unwrap().replayed, "one turn was enough");
    let seqs = [
        first.seq,
        new.await.unwrap().seq,
        confirmed.await.unwrap().seq,
        another.await.unwrap().seq,
    ];
    assert_eq!(seqs, [5, 6, 7, 8], "in the order of their arrival");
    settle().await;
    assert!(!read.is_finished());
    store.give(1);
    assert_eq!(read.await.unwrap(), 100 - 3 - 5 - 1);
}

#[tokio::test]
async fn late_arrivals_find_their_places() {
    let store = Contended::default();
    let clock = TestClock::at(OPENS);
    let engine = store.engine(&clock);
    let submit = |kind: CommandKind| {
        let engine = engine.clone();
        tokio::spawn(async move { engine.submit(Request::new(kind)).await.unwrap() })
    };
    let ask = async |kind: CommandKind| {
        store.give(1);
        submit(kind).await.unwrap().result.unwrap()
    };
    ask(Show::line().put()).await;
    ask(join(1, &leaves(1, 0..3))).await;
    clock.set(SALE);
    ask(call(1, 0, 3, None)).await;
    let Outcome::PassClaimed { pass, .. } = ask(claim(1, leaf(1, "p0"))).await else { panic!() };
    // Each joins a batch that has loaded no place.
    let used = inventory::PassUse { leaf: leaf(1, "p0"), pass, queue: 1 };
    for (paused, kind) in [true, false, true, false].into_iter().zip([
        join(1, &leaves(1, 1..2)),
        claim(1, leaf(1, "p0")),
        claim(1, leaf(1, "p1")),
        sell(1, Some(used)),
    ]) {
        let first = submit(pause(paused));
        settle().await;
        let late = submit(kind.clone());
        settle().await;
        store.give(1);
        first.await.unwrap().result.unwrap();
        assert!(late.await.unwrap().result.is_ok(), "{kind:?}");
    }
    let view = engine.event(&event("default")).await.unwrap().unwrap();
    let queue = view.event.queue.as_ref().unwrap();
    assert_eq!((queue.joined, queue.passes.claimed, queue.passes.spent), (3, 2, 1));
}
