//! Several processes with one waiting room in their database.

use std::{collections::HashMap, sync::Arc, time::Duration};

use draw::{Leaf, Order};
use inventory::{CommandKind, Limits, Outcome, PassUse, RefusalKind};
use inventory_engine::{Engine, Environment, Reply, Request};
use inventory_postgres::Postgres;

use crate::{
    queue::{
        commands::{OPENS, SALE, Show, call, claim, hold, join, leaves, reveal, sell},
        host::{Shared, shared_engine},
        room::{Room, places},
    },
    support::event,
};

/// Two processes.
struct Two {
    room: Room<Shared>,
    engines: [Engine; 2],
}

impl Two {
    async fn start() -> Self {
        let room = Room::<Shared>::open().await;
        let other = Postgres::open(room.host.0.options.clone());
        assert!(other.ready(Duration::from_secs(20)).await);
        let env = Environment::seeded(Arc::new(room.clock.clone()), 100);
        let two = shared_engine(&other, &Limits::default(), env);
        let engines = [room.engine().clone(), two];
        Self { room, engines }
    }

    /// The replies to these commands, which both processes are asked at the same time.
    async fn ask_both(&self, kinds: Vec<CommandKind>) -> Vec<[Reply; 2]> {
        let all = |number: usize| {
            let (engine, kinds) = (self.engines[number].clone(), kinds.clone());
            tokio::spawn(async move {
                engine.submit_all(kinds.into_iter().map(Request::new).collect()).await
            })
        };
        let (one, two) = (all(0), all(1));
        let pairs = one.await.unwrap().into_iter().zip(two.await.unwrap());
        pairs.map(|(one, two)| [one.unwrap(), two.unwrap()]).collect()
    }

    async fn close(self) {
        self.engines[1].stop().await;
        self.room.close().await;
    }
}

/// A room whose first `called` turns are called.
async fn called(two: &Two, show: &Show, joining: u64, called: u64) {
    two.room.accept(show.put()).await;
    two.room.at(SALE);
    two.room.call_in_line(joining, called).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn places_of_several_processes_are_numbered_without_gaps() {
    let two = Two::start().await;
    two.room.accept(Show::drawn().put()).await;
    two.room.at(OPENS);
    // Each process is asked for the same places, and each command for some of the one before it.
    let asked: Vec<_> = (0..40).map(|number| leaves(1, number * 3..number * 3 + 5)).collect();
    let replies = two.ask_both(asked.iter().map(|leaves| join(1, leaves)).collect()).await;
    let mut found: HashMap<Leaf, u64> = HashMap::new();
    for (leaves, reply) in asked.iter().zip(replies) {
        for joined in reply.map(|reply| places(reply.result.unwrap())) {
            for (leaf, place) in leaves.iter().zip(joined) {
                assert_eq!(*found.entry(*leaf).or_insert(place.index), place.index, "{leaf}");
            }
        }
    }
    let mut indexes: Vec<_> = found.values().copied().collect();
    indexes.sort_unstable();
    assert_eq!(indexes, (0..122).collect::<Vec<_>>());
    two.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn several_processes_hold_one_draw() {
    let two = Two::start().await;
    two.room.accept(Show::drawn().put()).await;
    two.room.at(OPENS);
    two.room.join(1, &leaves(1, 0..5)).await;
    two.room.at(SALE);
    // Readers and late places of both find that the draw is due.
    let readers: Vec<_> = (0..20)
        .map(|number| {
            let engine = two.engines[number % 2].clone();
            tokio::spawn(async move {
                let seen = engine.event(&event("default")).await.unwrap().unwrap();
                seen.event.queue.as_ref().unwrap().is_drawing_open()
            })
        })
        .collect();
    for [one, other] in two.ask_both(vec![join(1, &leaves(1, 5..6))]).await {
        assert_eq!(one.result, other.result);
        assert_eq!(places(one.result.unwrap())[0].turn, Some(6));
    }
    for reader in readers {
        assert!(!reader.await.unwrap());
    }
    for reply in two.ask_both(vec![reveal(1, 1, None)]).await.into_iter().flatten() {
        assert_eq!(reply.result, Ok(Outcome::QueueAdvanced));
    }
    assert_eq!(two.room.kinds(3).await, ["draw_frozen", "queue_joined", "draw_revealed"]);
    two.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_processes_that_call_one_does() {
    let two = Two::start().await;
    two.room.accept(Show::drawn().put()).await;
    two.room.at(OPENS);
    two.room.join(1, &leaves(1, 0..20)).await;
    two.room.at(SALE);
    two.room.accept(reveal(1, 1, None)).await;
    let order = Order::new(&two.room.draw_key().await, leaves(1, 0..20).into_iter());
    for from in 0..20 {
        let next = call(1, from, from + 1, order.upto(from + 1));
        let replies = two.ask_both(vec![next]).await.remove(0);
        let results = replies.map(|reply| reply.result.map_err(|refusal| refusal.kind));
        let (done, moved) = (Ok(Outcome::QueueAdvanced), Err(RefusalKind::QueueMoved));
        assert!(
            results == [done.clone(), moved.clone()] || results == [moved, done],
            "{results:?}"
        );
    }
    assert_eq!(two.room.queue().await.called.serving, 20);
    assert_eq!(two.room.records().await.len(), 5 + 20);
    two.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn several_processes_give_each_place_one_pass_for_one_sale() {
    let two = Two::start().await;
    called(&two, &Show::line().with(|show| show.capacity = 100), 20, 20).await;
    let claims = leaves(1, 0..20).into_iter().map(|leaf| claim(1, leaf)).collect();
    let mut used = Vec::new();
    for ([one, other], leaf) in two.ask_both(claims).await.into_iter().zip(leaves(1, 0..20)) {
        assert_eq!(one.result, other.result);
        let Ok(Outcome::PassClaimed { pass, .. }) = one.result else { panic!("{one:?}") };
        used.push(PassUse { leaf, pass, queue: 1 });
    }
    let takes = used.iter().enumerate().map(|(number, pass)| {
        let pass = Some(pass.clone());
        if number % 2 == 0 { hold(1, pass) } else { sell(1, pass) }
    });
    for replies in two.ask_both(takes.collect()).await {
        let results = replies.map(|reply| reply.result.map_err(|refusal| refusal.kind));
        let is_spent = results.each_ref().map(|result| *result == Err(RefusalKind::PassSpent));
        let is_done = results.each_ref().map(Result::is_ok);
        assert!(is_spent[0] != is_spent[1] && is_done[0] != is_done[1], "{results:?}");
    }
    let passes = two.room.queue().await.passes;
    assert_eq!((passes.claimed, passes.spent, passes.active(SALE)), (20, 20, 0));
    assert_eq!(two.room.counts().await, (80, 10, 10));
    two.close().await;
}
