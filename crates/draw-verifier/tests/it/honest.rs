//! Ledgers of honest queues.

use draw_verifier::{Hex, QueueReport, Stage};
use serde_json::{Value, json};

use crate::builder::{
    CHAIN, Ledger, PASS_TTL_MS, QUEUE_OPENS_AT_MS, ROUND, ROUND_AT_S, SALE_OPENS_AT_MS, SEED,
    draw_key, hex, leaf_of, order, root, sha256, signature, text,
};

/// The id of the queue of [`Honest`]: an earlier record created the event.
pub const QUEUE: u64 = 2;

/// How an honest queue goes.
#[derive(Debug, Clone, Copy)]
pub struct Honest {
    pub participants: usize,
    pub late: usize,
    /// Turns called at a time.
    pub step: usize,
    /// How many times.
    pub steps: usize,
    /// Places joined by one record.
    pub batch: usize,
    pub witnessed: bool,
}

pub const USUAL: Honest =
    Honest { participants: 500, late: 100, step: 50, steps: 12, batch: 20, witnessed: true };
pub const SMALL: Honest =
    Honest { participants: 24, late: 8, step: 4, steps: 8, batch: 3, witnessed: true };

pub fn settings(opens_at_ms: u64, queue: Option<Value>) -> Value {
    let mut settings = json!({"opens_at_ms": opens_at_ms});
    if let Some(queue) = queue {
        settings["queue"] = queue;
    }
    json!({"capacities": {"general": 10_000}, "settings": settings})
}

pub fn queue_settings(draw: bool) -> Value {
    json!({
        "claim_ttl_ms": 300_000,
        "draw": draw,
        "opens_at_ms": QUEUE_OPENS_AT_MS,
        "pass_ttl_ms": PASS_TTL_MS,
    })
}

pub fn committed(seed: &[u8; 32], beacon: bool) -> Value {
    let mut committed = json!({
        "commitment": hex(sha256(seed)),
        "draw": "0190a5b4-8e9c-7000-8000-000000000001",
        "key_id": "2026-1",
        "rule": "hkdf-hmac-sha256-v1",
    });
    if beacon {
        committed["beacon"] = json!({"chain": CHAIN, "round": ROUND});
    }
    committed
}

pub fn joined(from: usize, leaves: &[[u8; 32]]) -> Value {
    json!({"from": from, "leaves": leaves.iter().map(text).collect::<Vec<_>>()})
}

pub fn claimed(leaf: &[u8; 32], at_ms: u64) -> Value {
    json!({
        "expires_at_ms": at_ms + PASS_TTL_MS,
        "leaf": text(leaf),
        "pass": "0190a5b4-8e9c-7000-8000-000000000002",
    })
}

pub fn taken(leaf: &[u8; 32]) -> Value {
    json!({
        "hold": "0190a5b4-8e9c-7000-8000-000000000003",
        "items": [{"qty": 1, "stock": "general"}],
        "left": {"general": 9_000},
        "place": text(leaf),
    })
}

impl Honest {
    pub fn leaves(&self) -> Vec<[u8; 32]> {
        let keys = 0..self.participants + self.late;
        keys.map(|key| leaf_of(QUEUE, &format!("key-{key}"))).collect()
    }

    pub fn randomness(&self) -> Option<[u8; 32]> {
        self.witnessed.then(|| sha256(signature(CHAIN, ROUND)))
    }

    /// Leaves in the order of their turns, each with its value in the draw.
    pub fn turns(&self) -> Vec<([u8; 32], Option<[u8; 32]>)> {
        let leaves = self.leaves();
        let (participants, late) = leaves.split_at(self.participants);
        let drawn = order(&draw_key(&SEED, self.randomness()), participants).into_iter();
        let late = late.iter().map(|leaf| (*leaf, None));
        drawn.map(|(value, leaf)| (leaf, Some(value))).chain(late).collect()
    }

    pub fn upto(&self, turns: &[([u8; 32], Option<[u8; 32]>)], serving: usize) -> String {
        hex(&turns[serving.min(self.participants) - 1].1.unwrap()[..16])
    }

    /// All records of it.
    pub fn ledger(&self) -> Ledger {
        let leaves = self.leaves();
        let (participants, late) = leaves.split_at(self.participants);
        let mut ledger = Ledger { at_ms: QUEUE_OPENS_AT_MS - 10_000, ..Ledger::default() };
        ledger.push("event_put", settings(SALE_OPENS_AT_MS, None));
        ledger.push("event_put", settings(SALE_OPENS_AT_MS, Some(queue_settings(true))));
        ledger.queue("draw_committed", &committed(&SEED, self.witnessed));
        ledger.at_ms = QUEUE_OPENS_AT_MS;
        for (number, batch) in participants.chunks(self.batch).enumerate() {
            ledger.queue("queue_joined", &joined(number * self.batch, batch));
        }
        ledger.at_ms = SALE_OPENS_AT_MS;
        let frozen = json!({"n": self.participants, "root": hex(root(participants))});
        ledger.queue("draw_frozen", &frozen);
        // Places are joined while the beacon is awaited, too.
        let (first, late) = late.split_at(late.len() / 4);
        ledger.queue("queue_joined", &joined(self.participants, first));
        ledger.at_ms = ROUND_AT_S * 1_000 + 500;
        let mut revealed = json!({"seed": hex(SEED)});
        if self.witnessed {
            let signed = hex(signature(CHAIN, ROUND));
            revealed["beacon"] = json!({"round": ROUND, "signature": signed});
        }
        ledger.queue("draw_revealed", &revealed);
        let (mut late, mut joins) = (late, self.participants + first.len());
        let turns = self.turns();
        for (step, called) in turns.chunks(self.step).take(self.steps).enumerate() {
            if step == 2 {
                ledger.queue("queue_paused", &json!({"paused": true}));
            }
            let (batch, rest) = late.split_at(self.batch.min(late.len()));
            if !batch.is_empty() {
                ledger.queue("queue_joined", &joined(joins, batch));
                (late, joins) = (rest, joins + batch.len());
            }
            if step == 2 {
                ledger.queue("queue_paused", &json!({"paused": false}));
            }
            let serving = step * self.step + called.len();
            let called_now = json!({"serving": serving, "upto": self.upto(&turns, serving)});
            ledger.queue("queue_called", &called_now);
            self.buy(&mut ledger, called, step);
        }
        ledger
    }

    /// Most of those called claim passes; most of them hold, some of the last step's only now.
    fn buy(&self, ledger: &mut Ledger, called: &[([u8; 32], Option<[u8; 32]>)], step: usize) {
        let claims = called.iter().enumerate().filter(|(number, _)| number % 10 != 9);
        for (_, (leaf, _)) in claims.clone() {
            let claimed = claimed(leaf, ledger.at_ms);
            ledger.queue("pass_claimed", &claimed);
        }
        for (number, (leaf, _)) in claims.filter(|(number, _)| number % 10 != 3) {
            let kind = if (number + step).is_multiple_of(5) { "sold" } else { "held" };
            ledger.push(kind, taken(leaf));
            if number.is_multiple_of(7) {
                ledger.push("released", json!({"hold": "0190a5b4-8e9c-7000-8000-000000000003"}));
            }
        }
    }
}

#[test]
fn honest_ledger_passes() {
    let ledger = USUAL.ledger();
    let report = ledger.verify().unwrap();
    assert_eq!((report.event.as_str(), report.queues.len()), ("opera", 1));
    assert_eq!(
        report.queues[0],
        QueueReport {
            id: QUEUE,
            stage: Stage::Revealed,
            places: 600,
            participants: 500,
            commitment: Some(Hex(sha256(SEED))),
            round: Some(ROUND),
            seed: Some(Hex(SEED)),
            root: Some(Hex(root(&USUAL.leaves()[..500]))),
            witnessed: true,
            serving: 600,
            passes: ledger.of("pass_claimed").len() as u64,
            holds: (ledger.of("held").len() + ledger.of("sold").len()) as u64,
        }
    );
    assert_eq!((report.queues[0].passes, report.queues[0].holds), (540, 480));
    SMALL.ledger().verify().unwrap();
}

#[test]
fn every_prefix_of_an_honest_ledger_passes() {
    let bodies = SMALL.ledger().bodies();
    let mut stages = Vec::new();
    for len in 1..bodies.len() {
        let report = crate::builder::verify(&bodies[..len]).unwrap();
        stages.extend(report.queues.first().map(|queue| queue.stage));
    }
    stages.dedup();
    assert_eq!(stages, [Stage::Open, Stage::Frozen, Stage::Revealed]);
}

#[test]
fn draw_without_beacon_is_unwitnessed() {
    for witnessed in [true, false] {
        let report = Honest { witnessed, ..SMALL }.ledger().verify().unwrap();
        assert_eq!(report.queues[0].witnessed, witnessed);
        assert_eq!(report.queues[0].is_unwitnessed(), !witnessed);
    }
    // A beacon is committed to, and could not be had.
    let mut ledger = Honest { witnessed: false, ..SMALL }.ledger();
    ledger.member("draw_committed", 0)["beacon"] = json!({"chain": CHAIN, "round": ROUND});
    assert!(ledger.verify().unwrap().queues[0].is_unwitnessed());
}

#[test]
fn draw_of_nobody_passes() {
    let ledger = |upto: Option<&str>| {
        let mut ledger = Honest { participants: 0, late: 0, ..SMALL }.ledger();
        ledger.queue("queue_joined", &joined(0, &[leaf_of(QUEUE, "late")]));
        let mut called = json!({"serving": 1});
        if let Some(upto) = upto {
            called["upto"] = upto.into();
        }
        ledger.queue("queue_called", &called);
        ledger
    };
    let report = ledger(None).verify().unwrap();
    assert_eq!((report.queues[0].participants, report.queues[0].serving), (0, 1));
    assert_eq!(report.queues[0].root, Some(Hex(sha256([]))));
    ledger(Some(&"0".repeat(32))).verify().unwrap_err();
}
