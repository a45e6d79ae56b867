//! Several processes with one waiting list in their database.

use std::{collections::HashSet, sync::Arc, time::Duration};

use inventory::{CommandKind, HoldId, HoldState, Limits, Outcome};
use inventory_engine::{Engine, Environment, Reply, Request};
use inventory_postgres::Postgres;

use super::desk::{Desk, OFFER_TTL, Sale, T, general, leave, refund, sell, wait};
use crate::{
    queue::{
        commands::{confirm, expire},
        host::Shared,
    },
    support::keyed,
};

/// Two processes.
struct Two {
    desk: Desk<Shared>,
    engines: [Engine; 2],
}

impl Two {
    async fn start() -> Self {
        let desk = Desk::<Shared>::open().await;
        let other = Postgres::open(desk.host.0.options.clone());
        assert!(other.ready(Duration::from_secs(20)).await);
        let env = Environment::seeded(Arc::new(desk.clock.clone()), 100);
        let (writers, reader) = (other.writers(), other.reader());
        let two = Engine::start_shared(writers, reader, Duration::ZERO, Limits::default(), env);
        let engines = [desk.engine().clone(), two];
        Self { desk, engines }
    }

    /// The replies to these commands, of which each process is asked every second one, all at the
    /// same time.
    async fn ask(&self, kinds: Vec<CommandKind>) -> Vec<Reply> {
        let asked = kinds.into_iter().enumerate().map(|(number, kind)| {
            let engine = self.engines[number % 2].clone();
            tokio::spawn(async move { engine.submit(Request::new(kind)).await.unwrap() })
        });
        let mut replies = Vec::new();
        for task in asked.collect::<Vec<_>>() {
            replies.push(task.await.unwrap());
        }
        replies
    }

    async fn close(self) {
        self.engines[1].stop().await;
        self.desk.close().await;
    }
}

fn entry_of(reply: Reply) -> HoldId {
    match reply.result.unwrap() {
        Outcome::Waiting { id, .. } => id,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_offer_each_return_once_and_in_order() {
    let two = Two::start().await;
    let sold = two.desk.sold_out(&Sale::of(&general(40))).await;
    let asked = (0..40).map(|_| wait(&general(1), None)).collect();
    let joined: HashSet<_> = two.ask(asked).await.into_iter().map(entry_of).collect();
    assert_eq!((joined.len(), two.desk.seen().await), (40, (0, 0, 40, 40)));
    // Those who leave, those who come, and what returns, at once.
    let gone: Vec<_> = joined.iter().copied().take(8).collect();
    let mut asked: Vec<_> = (0..40).map(|_| refund(sold, &general(1))).collect();
    for (number, id) in gone.iter().enumerate() {
        asked.insert(number * 5, leave(*id));
        asked.insert(number * 5, sell(&general(1), None));
    }
    let replies = two.ask(asked).await;
    let left = replies.iter().filter(|reply| reply.result == Ok(Outcome::Released)).count();
    let bought =
        replies.iter().filter(|reply| matches!(reply.result, Ok(Outcome::Sold { .. }))).count();
    let offers = two.desk.offers().await;
    assert_eq!(offers.len(), 40 - left);
    // The order is that of the list, for every writer.
    let mut numbers = Vec::new();
    for record in two.desk.records().await {
        if let inventory::ledger::Change::WaitlistJoined { id, .. } = record.change {
            numbers.push(id);
        }
    }
    let places: Vec<_> =
        offers.iter().map(|(id, _)| numbers.iter().position(|known| known == id)).collect();
    assert!(places.is_sorted() && places.iter().all(Option::is_some), "{places:?}");
    let (bought, offered) = (bought as u64, offers.len() as u64);
    assert_eq!(two.desk.seen().await, (40 - offered - bought, offered, bought, 0));
    two.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn offer_of_one_process_is_seen_and_bought_by_the_other() {
    let two = Two::start().await;
    let sold = two.desk.sold_out(&Sale::of(&general(1))).await;
    let [one, other] = &two.engines;
    let ask = keyed(wait(&general(1), Some("a")), "k");
    let first = entry_of(one.submit(ask.clone()).await.unwrap());
    let second = entry_of(other.submit(Request::new(wait(&general(1), None))).await.unwrap());
    // The other process answers the key.
    let again = other.submit(ask).await.unwrap();
    assert!(again.replayed);
    assert_eq!(entry_of(again), first);
    other.submit(Request::new(refund(sold, &[]))).await.unwrap().result.unwrap();
    assert_eq!(one.hold(first).await.unwrap().unwrap().state, HoldState::Held);
    two.desk.at(T + OFFER_TTL);
    one.submit(Request::new(expire())).await.unwrap();
    other.submit(Request::new(confirm(second))).await.unwrap().result.unwrap();
    assert_eq!(two.desk.seen().await, (0, 0, 1, 0));
    two.close().await;
}
