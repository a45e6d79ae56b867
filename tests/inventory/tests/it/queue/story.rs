//! A whole sale with a draw, step by step, so that it can be interrupted anywhere.

use draw::{DrawKey, Leaf, Order};
use inventory::{
    CommandKind, HoldId, Outcome, PassUse, Queue, RefusalKind, Stock, StockName,
    domain::{Place, TimeMs},
};
use inventory_engine::{EngineError, Reply, Request};
use sha2::{Digest, Sha256};

use super::{
    commands::{
        CLAIM_TTL, OPENS, SALE, Show, call, claim, confirm, expire, hold, join, leaves, pause,
        reveal, seed, sell, witnessed,
    },
    host::Host,
    room::Room,
};
use crate::support::key;

/// The signature of the beacon's round.
const SIGNATURE: [u8; 48] = [0xab; 48];

/// The number of steps.
pub const STEPS: usize = 20;
/// The steps before which the draw is frozen, and is revealed.
pub const FROZEN: usize = 4;
pub const REVEALED: usize = 6;

/// What the steps so far have given.
#[derive(Default, Clone)]
pub struct Story {
    passes: Vec<PassUse>,
    held: Option<HoldId>,
}

/// The places in the order of their turns: six of the draw, and two that joined later.
fn turns() -> (Order, Vec<Leaf>) {
    let beacon: [u8; 32] = Sha256::digest(SIGNATURE).into();
    let key = DrawKey::new(&seed(1), Some(&beacon));
    let mut ordered = leaves(1, 0..6);
    ordered.sort_by_key(|leaf| key.value(leaf));
    (Order::new(&key, ordered.iter().copied()), [ordered, leaves(1, 6..8)].concat())
}

/// What a sale has come to, without the ids that differ from one to the next.
#[derive(Debug, PartialEq)]
pub struct Summary {
    kinds: Vec<&'static str>,
    queue: Queue,
    stocks: Vec<(StockName, Stock)>,
    /// The number of each place, and its pass.
    places: Vec<(u64, Option<PassTimes>)>,
}

/// When a pass was claimed, when it expires, and whether it is used.
type PassTimes = (TimeMs, TimeMs, bool);

impl Story {
    /// The time of a step, its command and its key.
    pub fn step(&self, number: usize) -> (u64, CommandKind, Option<&'static str>) {
        let (order, turns) = turns();
        let pass = |number: usize| self.passes.get(number).cloned();
        let show = Show::drawn().with(|show| {
            show.capacity = 4;
            show.queue().active_max = Some(2);
            show.draw = Some(witnessed(1));
        });
        let late = SALE + 3 * CLAIM_TTL;
        match number {
            0 => (OPENS - 1, show.put(), None),
            1 => (OPENS, join(1, &leaves(1, 0..3)), None),
            2 => (OPENS + 1, join(1, &leaves(1, 2..6)), None),
            3 => (SALE, expire(), None),
            4 => (SALE + 1, join(1, &leaves(1, 5..8)), None),
            5 => (SALE + 2, reveal(1, 1, Some(&SIGNATURE)), None),
            6 => (SALE + 3, call(1, 0, 2, order.upto(2)), None),
            7 => (SALE + 4, claim(1, turns[0]), None),
            8 => (SALE + 5, claim(1, turns[1]), None),
            9 => (SALE + 6, hold(1, pass(0)), Some("h")),
            10 => (SALE + 7, pause(true), None),
            11 => (SALE + 8, pause(false), None),
            12 => (SALE + 9, call(1, 2, 7, order.upto(7)), None),
            13 => (SALE + 10, sell(1, pass(1)), Some("s")),
            14 => (SALE + 11, claim(1, turns[2]), None),
            15 => (SALE + 12, confirm(self.held.unwrap()), None),
            16 => (late, claim(1, turns[6]), None),
            17 => (late + 1, sell(1, pass(2)), Some("t")),
            18 => (late + 2, sell(1, pass(3)), Some("u")),
            19 => (late + 3, join(1, &leaves(1, 8..9)), None),
            _ => unreachable!("there is no step {number}"),
        }
    }

    /// Asks for a step.
    pub async fn ask(&self, room: &Room<impl Host>, number: usize) -> Result<Reply, EngineError> {
        let (at_ms, kind, text) = self.step(number);
        room.at(at_ms);
        let request = Request { key: text.map(key), ..Request::new(kind) };
        room.engine().submit(request).await
    }

    /// Takes what a step has given. `may_repeat`: it was perhaps done before.
    pub fn take(&mut self, number: usize, reply: Reply, may_repeat: bool) {
        match (number, reply.result.map_err(|refusal| refusal.kind)) {
            (6 | 12, Err(RefusalKind::QueueMoved)) if may_repeat => {}
            (19, Err(RefusalKind::QueueClosed { opens_at_ms: None })) => {}
            (_, Ok(Outcome::PassClaimed { pass, .. })) => {
                let (_, kind, _) = self.step(number);
                self.passes.push(PassUse { leaf: kind.leaves()[0], pass, queue: 1 });
            }
            (_, Ok(Outcome::Held { id, .. })) => self.held = Some(id),
            (0..=18, Ok(_)) => {}
            (_, other) => panic!("step {number}: {other:?}"),
        }
    }

    /// Takes these steps.
    pub async fn play(&mut self, room: &Room<impl Host>, steps: std::ops::Range<usize>) {
        for number in steps {
            let reply = self.ask(room, number).await.unwrap();
            self.take(number, reply, false);
        }
    }
}

impl Summary {
    pub async fn of(room: &Room<impl Host>) -> Self {
        let name = crate::support::event("default");
        let view = room.engine().event_now(&name).await.unwrap().unwrap();
        let mut places = Vec::new();
        for leaf in room.leaves().await {
            let Place { index, pass } = room.place(&leaf).await.unwrap();
            let pass =
                pass.map(|pass| (pass.claimed_at_ms, pass.expires_at_ms, pass.spent_on.is_some()));
            places.push((index, pass));
        }
        Self {
            kinds: room.kinds(0).await,
            queue: view.event.queue.clone().unwrap(),
            stocks: view.event.stocks.clone(),
            places,
        }
    }

    /// That of a sale which nothing interrupts.
    pub async fn expected() -> Self {
        let room = Room::<super::host::Memory>::open().await;
        Story::default().play(&room, 0..STEPS).await;
        let summary = Self::of(&room).await;
        assert_eq!(summary.kinds, KINDS);
        room.close().await;
        summary
    }
}

/// The records of the whole sale.
const KINDS: [&str; 20] = [
    "event_put",
    "draw_committed",
    "queue_joined",
    "queue_joined",
    "draw_frozen",
    "queue_joined",
    "draw_revealed",
    "queue_called",
    "pass_claimed",
    "pass_claimed",
    "held",
    "queue_paused",
    "queue_paused",
    "queue_called",
    "sold",
    "pass_claimed",
    "confirmed",
    "pass_claimed",
    "sold",
    "sold",
];
