//! A sale with a waiting room, through an engine.

use std::sync::Arc;

use draw::{DrawKey, Leaf, Order, Threshold};
use inventory::{
    CommandKind, HoldId, Limits, Outcome, PassUse, Queue, RefusalKind,
    domain::{JoinedPlace, Place},
    ledger::{Change, QueueChange, Record},
};
use inventory_engine::{Engine, Environment, Reply, Request};
use inventory_store::{MemoryStore, OwnedStore, Replayer, Store};

use super::{
    commands::{T, call, claim, join, leaf, leaves},
    host::Host,
};
use crate::support::{TestClock, event, keyed};

/// An engine on its store, with a clock that stands still until it is set.
pub struct Room<H> {
    pub host: H,
    engine: Option<Engine>,
    pub clock: TestClock,
    pub limits: Limits,
    starts: u64,
}

impl<H: Host> Room<H> {
    pub async fn open() -> Self {
        let (host, clock) = (H::new().await, TestClock::at(T));
        let mut room = Self { host, engine: None, clock, limits: Limits::default(), starts: 0 };
        room.start().await;
        room
    }

    /// The same sale on another store, where nothing else runs.
    pub async fn moved_to<To: Host>(mut self, host: To) -> Room<To> {
        self.stop().await;
        let Self { clock, limits, starts, .. } = self;
        let mut room = Room { host, engine: None, clock, limits, starts };
        room.start().await;
        room
    }

    pub async fn start(&mut self) {
        // Ids differ from those of earlier engines.
        self.starts += 1;
        let env = Environment::seeded(Arc::new(self.clock.clone()), self.starts);
        self.engine = Some(self.host.start(&self.limits, env).await);
    }

    pub async fn stop(&mut self) {
        if let Some(engine) = self.engine.take() {
            engine.stop().await;
        }
    }

    pub async fn restart(&mut self) {
        self.stop().await;
        self.start().await;
    }

    pub fn engine(&self) -> &Engine {
        self.engine.as_ref().unwrap()
    }

    pub fn at(&self, now_ms: u64) {
        self.clock.set(now_ms);
    }

    pub async fn ask(&self, kind: CommandKind) -> Reply {
        self.engine().submit(Request::new(kind)).await.unwrap()
    }

    pub async fn ask_with_key(&self, kind: CommandKind, key: &str) -> Reply {
        self.engine().submit(keyed(kind, key)).await.unwrap()
    }

    /// The replies to commands that are queued together.
    pub async fn ask_all(&self, kinds: Vec<CommandKind>) -> Vec<Reply> {
        let replies = self.engine().submit_all(kinds.into_iter().map(Request::new).collect()).await;
        replies.into_iter().map(Result::unwrap).collect()
    }

    /// The outcome of a command that is accepted.
    pub async fn accept(&self, kind: CommandKind) -> Outcome {
        self.ask(kind).await.result.unwrap()
    }

    /// The refusal of a command that is refused and leaves no record.
    pub async fn refuse(&self, kind: CommandKind) -> RefusalKind {
        let before = self.records().await.len();
        let refusal = self.ask(kind).await.result.unwrap_err();
        assert_eq!(self.records().await.len(), before, "the refusal left a record");
        refusal.kind
    }

    /// The records, without the expiries that a read writes.
    pub async fn records(&self) -> Vec<Record> {
        let stored = self.engine().records(&event("default"), 0, 10_000).await.unwrap();
        let bodies = stored.into_iter().flatten();
        bodies.map(|record| Record::from_body(&record.body).unwrap()).collect()
    }

    /// The kinds of the records after the first `after`.
    pub async fn kinds(&self, after: usize) -> Vec<&'static str> {
        self.records().await[after..].iter().map(|record| record.change.kind()).collect()
    }

    /// The newest record about the waiting room.
    pub async fn newest(&self) -> QueueChange {
        let changes = self.records().await.into_iter().filter_map(|record| match record.change {
            Change::Queue(change) => Some(change),
            _ => None,
        });
        changes.last().unwrap()
    }

    /// The waiting room as a reader sees it.
    pub async fn queue(&self) -> Queue {
        let view = self.engine().event_now(&event("default")).await.unwrap().unwrap();
        view.event.queue.clone().unwrap()
    }

    /// `(available, held, sold)`.
    pub async fn counts(&self) -> (u64, u64, u64) {
        let view = self.engine().event_now(&event("default")).await.unwrap().unwrap();
        let counts = view.event.stocks[0].1;
        (counts.available(), counts.held, counts.sold)
    }

    pub async fn place(&self, leaf: &Leaf) -> Option<Place> {
        self.engine().place(&event("default"), leaf).await.unwrap()
    }

    /// Joins, and returns the places.
    pub async fn join(&self, queue: u64, leaves: &[Leaf]) -> Vec<JoinedPlace> {
        places(self.accept(join(queue, leaves)).await)
    }

    /// The numbers of those that have places.
    pub async fn join_some(&self, queue: u64, leaves: &[Leaf]) -> Vec<Option<u64>> {
        match self.accept(join(queue, leaves)).await {
            Outcome::Joined { places } => {
                places.into_iter().map(|place| Some(place?.index)).collect()
            }
            other => panic!("{other:?}"),
        }
    }

    /// Customers `p0`, `p1` … join waiting room 1, and those below `serving` are called, which
    /// needs no draw.
    pub async fn call_in_line(&self, joining: u64, serving: u64) {
        self.join(1, &leaves(1, 0..joining)).await;
        self.accept(call(1, 0, serving, None)).await;
    }

    /// The pass of a place, which is called.
    pub async fn claim(&self, queue: u64, name: &str) -> PassUse {
        let leaf = leaf(queue, name);
        match self.accept(claim(queue, leaf)).await {
            Outcome::PassClaimed { pass, .. } => PassUse { leaf, pass, queue },
            other => panic!("{other:?}"),
        }
    }

    /// The hold or sale of a command that is accepted.
    pub async fn take(&self, kind: CommandKind) -> HoldId {
        match self.accept(kind).await {
            Outcome::Held { id, .. } | Outcome::Sold { id, .. } => id,
            other => panic!("{other:?}"),
        }
    }

    /// The key of the draw, which is revealed.
    pub async fn draw_key(&self) -> DrawKey {
        self.queue().await.draw.unwrap().revealed.unwrap().key
    }

    /// The leaves in the order of joining.
    pub async fn leaves(&self) -> Vec<Leaf> {
        let records = self.records().await;
        let joined = records.into_iter().filter_map(|record| match record.change {
            Change::Queue(QueueChange::Joined(joined)) => Some(joined.leaves),
            _ => None,
        });
        joined.flatten().collect()
    }

    /// The threshold of the place of the draw, which is revealed, with this turn.
    pub async fn upto(&self, serving: u64) -> Option<Threshold> {
        let drawn = usize::try_from(self.queue().await.drawn()).unwrap();
        let leaves = self.leaves().await.into_iter().take(drawn);
        Order::new(&self.draw_key().await, leaves).upto(serving)
    }

    /// The ledger passes the audit, and the store has what follows from it.
    pub async fn close(mut self) {
        let name = event("default");
        let expected = self.engine().event_now(&name).await.unwrap().unwrap().view;
        let stored = self.engine().records(&name, 0, 100_000).await.unwrap().unwrap();
        let mut again = Replayer::new(MemoryStore::default());
        for record in &stored {
            again.push(&record.body).await.unwrap();
        }
        let (again, _) = again.finish().await.unwrap();
        assert_eq!(again.views(), [(*expected).clone()]);
        for leaf in self.leaves().await {
            let place = again.reader().place(&name, &leaf).await.unwrap();
            assert!(place.is_some() && self.place(&leaf).await == place, "{leaf}");
        }
        let entries = stored.into_iter().map(|entry| (name.clone(), entry.seq, entry.body));
        crate::verify::audit(entries, &self.limits).unwrap().finish().unwrap();
        self.stop().await;
        self.host.verify().await;
    }
}

/// The places that a join was answered with.
pub fn places(joined: Outcome) -> Vec<JoinedPlace> {
    match joined {
        Outcome::Joined { places } => places.into_iter().map(Option::unwrap).collect(),
        other => panic!("{other:?}"),
    }
}

/// Places with these numbers that take part in a draw.
pub fn drawn(indexes: std::ops::Range<u64>) -> Vec<JoinedPlace> {
    indexes.map(|index| JoinedPlace { index, turn: None }).collect()
}

/// Places with these numbers that are served in their order.
pub fn in_line(indexes: std::ops::Range<u64>) -> Vec<JoinedPlace> {
    indexes.map(|index| JoinedPlace { index, turn: Some(index + 1) }).collect()
}
