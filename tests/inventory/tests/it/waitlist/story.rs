//! A sale with a waiting list, step by step, so that it can be interrupted after any.

use inventory::{CommandKind, HoldId, HoldState, Outcome};
use inventory_engine::{EngineError, Reply};

use super::desk::{Desk, OFFER_TTL, Sale, Seen, T, general, leave, refund, release, sell, wait};
use crate::{
    queue::{
        commands::{confirm, expire},
        host::Host,
    },
    support::keyed,
};

/// Two tickets are kept for a group when these are played.
pub const KEPT: usize = 29;
/// An offer is open, and its time is over after the next one.
pub const OFFERED: usize = 31;
pub const STEPS: usize = 37;

const SOLD: usize = 0;
const GROUP: usize = 1;
const SINGLES: usize = 2;

/// The entries so far, by the step that made them.
#[derive(Default)]
pub struct Story(Vec<HoldId>);

impl Story {
    /// The command of a step, and the time at which it is asked.
    fn step(&self, number: usize) -> (u64, CommandKind) {
        let id = |number: usize| self.0[number];
        let kind = match number {
            0 => Sale::of(&general(30)).put(),
            1 => sell(&general(30), None),
            2 => wait(&general(3), Some("group")),
            3..=14 => wait(&general(1), Some("single")),
            15 => leave(id(SINGLES + 11)),
            // Ten go before the group, and then one and one more are kept for it.
            16..=25 => refund(id(SOLD), &general(1)),
            26 | 27 => refund(id(SOLD), &general(1)),
            28 => wait(&general(2), None),
            29 => refund(id(SOLD), &general(2)),
            30 => confirm(id(SINGLES)),
            // All other offers expire, and go on.
            31 => expire(),
            32 => confirm(id(SINGLES + 10)),
            33 => sell(&general(1), None),
            34 => release(id(SINGLES + 12)),
            35 => refund(id(SOLD), &[]),
            _ => sell(&general(2), None),
        };
        (if number < 31 { T } else { T + OFFER_TTL }, kind)
    }

    /// Asks for a step. Asked again, it has no second effect.
    pub async fn ask(&self, desk: &Desk<impl Host>, number: usize) -> Result<Reply, EngineError> {
        let (at_ms, kind) = self.step(number);
        desk.at(at_ms);
        desk.engine().submit(keyed(kind, &format!("step-{number}"))).await
    }

    /// Notes the reply to a step.
    pub fn take(&mut self, reply: Reply) {
        if let Outcome::Sold { id, .. } | Outcome::Waiting { id, .. } = reply.result.unwrap() {
            self.0.push(id);
        }
    }

    pub async fn play(&mut self, desk: &Desk<impl Host>, steps: std::ops::Range<usize>) {
        for number in steps {
            let reply = self.ask(desk, number).await.unwrap();
            self.take(reply);
        }
    }
}

/// What a sale has come to, without the ids that differ each time.
#[derive(Debug, PartialEq)]
pub struct Summary {
    pub kinds: Vec<&'static str>,
    pub seen: Seen,
    pub states: Vec<HoldState>,
}

impl Summary {
    pub async fn of(desk: &Desk<impl Host>, story: &Story) -> Self {
        let mut states = Vec::new();
        for id in &story.0 {
            states.push(desk.state(*id).await);
        }
        Self { kinds: desk.kinds(0).await, seen: desk.seen().await, states }
    }

    /// That of a sale which nothing interrupts.
    pub async fn expected() -> Self {
        let desk = Desk::<crate::queue::host::Memory>::open().await;
        let mut story = Story::default();
        story.play(&desk, 0..KEPT - 1).await;
        assert_eq!(desk.waits(story.0[GROUP]).await.1.total(), 2);
        story.play(&desk, KEPT - 1..STEPS).await;
        let summary = Self::of(&desk, &story).await;
        desk.close().await;
        summary
    }
}
