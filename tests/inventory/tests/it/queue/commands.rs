//! The commands of a sale with a waiting room.

use std::collections::BTreeMap;

use draw::{Leaf, Seed, Threshold};
use inventory::{
    CommandKind, EventSettings, HoldId, PassUse, QueueSettings,
    domain::{BeaconRound, DrawCommitment, DrawRule},
};
use inventory_store::testing::id;

use crate::support::{event, items, stock};

/// The time at first.
pub const T: u64 = 1_000_000;
/// When the waiting room opens.
pub const OPENS: u64 = T + 10_000;
/// When the sale opens.
pub const SALE: u64 = T + 100_000;
pub const CLAIM_TTL: u64 = 12_000;
pub const PASS_TTL: u64 = 64_000;

/// What the event `default` is put with.
#[derive(Clone)]
pub struct Show {
    pub capacity: u64,
    pub settings: EventSettings,
    pub draw: Option<DrawCommitment>,
}

impl Show {
    /// Without a waiting room.
    pub fn plain() -> Self {
        let settings = EventSettings { opens_at_ms: Some(SALE), ..EventSettings::default() };
        Self { capacity: 10, settings, draw: None }
    }

    /// First come, first served.
    pub fn line() -> Self {
        let queue = QueueSettings {
            active_max: None,
            claim_ttl_ms: CLAIM_TTL,
            draw: false,
            opens_at_ms: OPENS,
            pass_ttl_ms: PASS_TTL,
        };
        Self::plain().with(|show| show.settings.queue = Some(queue))
    }

    /// By lot, which is committed to seed 1.
    pub fn drawn() -> Self {
        Self::line().with(|show| {
            show.queue().draw = true;
            show.draw = Some(commitment(1));
        })
    }

    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    pub fn queue(&mut self) -> &mut QueueSettings {
        self.settings.queue.as_mut().unwrap()
    }

    pub fn put(&self) -> CommandKind {
        CommandKind::PutEvent {
            event: event("default"),
            capacities: BTreeMap::from([(stock("general"), self.capacity)]),
            settings: self.settings.clone(),
            if_settings_seq: None,
            only_create: false,
            draw: self.draw.clone().map(Box::new),
        }
    }
}

pub fn seed(number: u8) -> Seed {
    Seed::from_bytes([number; 32])
}

/// The commitment to a seed, without a beacon.
pub fn commitment(number: u8) -> DrawCommitment {
    DrawCommitment {
        beacon: None,
        commitment: seed(number).commitment(),
        draw: id(number),
        key_id: "k1".to_owned(),
        rule: DrawRule::default(),
    }
}

/// The commitment to a seed and round 77 of a beacon.
pub fn witnessed(number: u8) -> DrawCommitment {
    let beacon = Some(BeaconRound { chain: "c0ffee".to_owned(), round: 77 });
    DrawCommitment { beacon, ..commitment(number) }
}

/// The place of the customer with this name.
pub fn leaf(queue: u64, name: &str) -> Leaf {
    Leaf::of("default", queue, name)
}

/// The places of customers `p0`, `p1` ….
pub fn leaves(queue: u64, numbers: std::ops::Range<u64>) -> Vec<Leaf> {
    numbers.map(|number| leaf(queue, &format!("p{number}"))).collect()
}

pub fn join(queue: u64, leaves: &[Leaf]) -> CommandKind {
    CommandKind::JoinQueue { event: event("default"), queue, leaves: leaves.to_vec() }
}

pub fn reveal(queue: u64, number: u8, beacon: Option<&[u8]>) -> CommandKind {
    CommandKind::RevealDraw {
        event: event("default"),
        queue,
        seed: seed(number),
        beacon: beacon.map(<[u8]>::to_vec),
    }
}

pub fn call(queue: u64, from: u64, serving: u64, upto: Option<Threshold>) -> CommandKind {
    CommandKind::CallPlaces { event: event("default"), queue, from, serving, upto }
}

pub fn claim(queue: u64, leaf: Leaf) -> CommandKind {
    CommandKind::ClaimPass { event: event("default"), queue, leaf }
}

pub fn pause(paused: bool) -> CommandKind {
    CommandKind::PauseQueue { event: event("default"), paused }
}

pub fn expire() -> CommandKind {
    CommandKind::Expire { event: event("default") }
}

pub fn delete() -> CommandKind {
    CommandKind::DeleteEvent { event: event("default"), if_settings_seq: None }
}

pub fn sell(qty: u64, pass: Option<PassUse>) -> CommandKind {
    CommandKind::Reserve {
        event: event("default"),
        items: items(&[("general", qty)]),
        customer: None,
        by_seller: false,
        pass: pass.map(Box::new),
    }
}

pub fn hold(qty: u64, pass: Option<PassUse>) -> CommandKind {
    CommandKind::Hold {
        event: event("default"),
        items: items(&[("general", qty)]),
        customer: None,
        ttl_ms: Some(20_000),
        pass: pass.map(Box::new),
    }
}

pub fn confirm(hold: HoldId) -> CommandKind {
    CommandKind::Confirm { hold, payment_ref: None, amount: None, by_seller: false }
}
