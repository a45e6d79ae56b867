//! Random histories: the commands that the model and a store are given.

use std::collections::BTreeMap;

use inventory::{
    Command, CommandKind, Currency, EventName, EventSettings, HoldId, HoldState, IdempotencyKey,
    Limits, Money, PaymentRef, SellBy,
};
use proptest::prelude::*;

use super::{queue_step::QueueStep, state::Model};
use crate::support::{customer, event, items, key, stock};

/// One step of a history. Numbers select from the items that exist at that point.
#[derive(Debug, Clone)]
pub enum Step {
    Put {
        event: u8,
        general: u64,
        vip: Option<u64>,
        limit: Option<u64>,
        window: (Option<u64>, Option<u64>),
        if_version: Option<u64>,
        /// The prices of general and vip; odd ones of vip are in another currency.
        prices: (Option<u64>, Option<u64>),
        by_seller_alone: bool,
    },
    Delete {
        event: u8,
        if_version: Option<u64>,
    },
    Reserve {
        event: u8,
        general: u64,
        vip: u64,
        customer: Option<u8>,
        by_seller: bool,
    },
    Hold {
        event: u8,
        general: u64,
        vip: u64,
        customer: Option<u8>,
        ttl_ms: Option<u64>,
    },
    Extend {
        hold: usize,
        ttl_ms: u64,
    },
    StartPayment {
        hold: usize,
        payment: u8,
    },
    Confirm {
        hold: usize,
        payment: Option<u8>,
        amount: Option<u64>,
        by_seller: bool,
    },
    /// Confirms one of the holds that have expired, if there is one.
    ConfirmLate {
        hold: usize,
        payment: Option<u8>,
        by_seller: bool,
    },
    Release {
        hold: usize,
    },
    Refund {
        hold: usize,
        general: Option<u64>,
    },
    Expire {
        event: u8,
    },
    /// Something about the waiting room of an event.
    Queue(u8, QueueStep),
}

/// A step, the key it carries, how the clock moves before it, and whether a new batch begins with
/// it.
pub type Move = (Step, Option<u8>, i64, bool);

pub fn step() -> impl Strategy<Value = Step> {
    // Most of it happens to one event, so that its items become rare.
    let event = prop_oneof![4 => Just(0), 1 => 0..3_u8];
    let who = proptest::option::of(0..3_u8);
    let window = (
        proptest::option::weighted(0.1, 0..3_000_u64),
        proptest::option::weighted(0.1, 0..20_000_u64),
    );
    let prices = (proptest::option::of(0..2_u64), proptest::option::of(0..2_u64));
    let by_seller = proptest::bool::weighted(0.7);
    prop_oneof![
        2 => (event.clone(), 0..30_u64, proptest::option::of(0..8_u64), proptest::option::weighted(0.3, 1..8_u64), window, proptest::option::weighted(0.1, 0..9_u64), prices, proptest::bool::weighted(0.2))
            .prop_map(|(event, general, vip, limit, window, if_version, prices, by_seller_alone)| Step::Put { event, general, vip, limit, window, if_version, prices, by_seller_alone }),
        6 => (event.clone(), 0..6_u64, 0..3_u64, who.clone(), by_seller).prop_map(|(event, general, vip, customer, by_seller)| Step::Reserve { event, general, vip, customer, by_seller }),
        8 => (event.clone(), 0..6_u64, 0..3_u64, who, proptest::option::of(1..3_000_u64))
            .prop_map(|(event, general, vip, customer, ttl_ms)| Step::Hold { event, general, vip, customer, ttl_ms }),
        3 => (any::<usize>(), 1..6_000_u64).prop_map(|(hold, ttl_ms)| Step::Extend { hold, ttl_ms }),
        3 => (any::<usize>(), 0..3_u8).prop_map(|(hold, payment)| Step::StartPayment { hold, payment }),
        6 => (any::<usize>(), proptest::option::of(0..3_u8), proptest::option::weighted(0.3, 0..4_u64), by_seller)
            .prop_map(|(hold, payment, amount, by_seller)| Step::Confirm { hold, payment, amount, by_seller }),
        5 => (any::<usize>(), proptest::option::weighted(0.9, 0..2_u8), by_seller)
            .prop_map(|(hold, payment, by_seller)| Step::ConfirmLate { hold, payment, by_seller }),
        3 => any::<usize>().prop_map(|hold| Step::Release { hold }),
        4 => (any::<usize>(), proptest::option::of(1..4_u64)).prop_map(|(hold, general)| Step::Refund { hold, general }),
        1 => event.clone().prop_map(|event| Step::Expire { event }),
        1 => (event, proptest::option::weighted(0.2, 0..9_u64)).prop_map(|(event, if_version)| Step::Delete { event, if_version }),
    ]
}

pub fn history(len: usize) -> impl Strategy<Value = Vec<Move>> {
    let forward = prop_oneof![6 => 0..50_i64, 2 => 500..4_000_i64].boxed();
    let jumping = prop_oneof![8 => forward.clone(), 1 => -2_000..0_i64].boxed();
    let one = |clock: BoxedStrategy<i64>| {
        (step(), proptest::option::weighted(0.3, 0..12_u8), clock, any::<bool>())
    };
    let rest = prop_oneof![
        proptest::collection::vec(one(forward), 1..len),
        proptest::collection::vec(one(jumping), 1..len)
    ];
    (proptest::option::weighted(0.9, first()), rest)
        .prop_map(|(first, rest)| first.into_iter().chain(rest).collect())
}

/// An event with few tickets, which most of the others need.
fn first() -> impl Strategy<Value = Move> {
    let prices = (proptest::option::of(0..2_u64), proptest::option::of(0..2_u64));
    let put =
        (1..10_u64, proptest::option::of(1..4_u64), prices).prop_map(|(general, vip, prices)| {
            Step::Put {
                event: 0,
                general,
                vip,
                limit: None,
                window: (None, None),
                if_version: None,
                prices,
                by_seller_alone: false,
            }
        });
    put.prop_map(|step| (step, None, 0, true))
}

pub fn limits(moves: &[Move]) -> Limits {
    // A key whose time is over may be forgotten at once or later. Where the clock goes back over
    // that time the two would differ, and both be right; so keys run out only in histories
    // whose clock does not go back.
    let goes_back = moves.iter().any(|(_, _, clock, _)| *clock < 0);
    let key_ttl_ms = if goes_back { 1_000_000 } else { 5_000 };
    Limits {
        hold_ttl_ms: 700,
        hold_ttl_max_ms: 2_500,
        hold_lifetime_max_ms: 5_000,
        payment_window_ms: 3_000,
        key_ttl_ms,
        events_max: 3,
        places_max: 12,
        ..Limits::default()
    }
}

pub fn name(number: u8) -> EventName {
    event(["default", "a", "a-b"][usize::from(number)])
}

fn wanted(general: u64, vip: u64) -> inventory::Items {
    match (general, vip) {
        (0, 0) => items(&[("general", 1)]),
        (0, vip) => items(&[("vip", vip)]),
        (general, 0) => items(&[("general", general)]),
        (general, vip) => items(&[("vip", vip), ("general", general)]),
    }
}

/// Holds that exist, oldest first; most picks fall on recent ones, some on none.
fn pick(holds: &[HoldId], number: usize) -> HoldId {
    let recent = holds.len().min(8);
    match number % 16 {
        15 => HoldId::new(1, [9; 10]),
        at if recent > 0 => holds[holds.len() - 1 - at % recent],
        _ => HoldId::new(1, [9; 10]),
    }
}

fn command(
    step: &Step,
    (model, now_ms): (&Model, u64),
    holds: &[HoldId],
    expired: &[HoldId],
) -> CommandKind {
    let who = |customer_number: &Option<u8>| {
        customer_number.map(|number| customer(&format!("c{number}")))
    };
    match step {
        Step::Put { event, general, vip, limit, window, if_version, prices, by_seller_alone } => {
            let price = |amount_minor: u64, currency: &str| Money {
                amount_minor,
                currency: Currency::new(currency).unwrap(),
            };
            let prices = [
                prices.0.map(|amount| (stock("general"), price(amount, "EUR"))),
                prices.1.map(|amount| {
                    (stock("vip"), price(amount, if amount % 2 == 1 { "USD" } else { "EUR" }))
                }),
            ];
            let vip = vip.map(|vip| (stock("vip"), vip));
            let capacities: BTreeMap<_, _> =
                [(stock("general"), *general)].into_iter().chain(vip).collect();
            let settings = EventSettings {
                opens_at_ms: window.0,
                closes_at_ms: window.1,
                hold_ttl_ms: None,
                limit_per_customer: *limit,
                prices: prices.into_iter().flatten().collect(),
                queue: None,
                sell_by: by_seller_alone.then_some(SellBy::Seller),
                waitlist: None,
            };
            CommandKind::PutEvent {
                event: name(*event),
                capacities,
                settings,
                if_settings_seq: *if_version,
                only_create: false,
                draw: None,
            }
        }
        Step::Delete { event, if_version } => {
            CommandKind::DeleteEvent { event: name(*event), if_settings_seq: *if_version }
        }
        Step::Reserve { event, general, vip, customer, by_seller } => CommandKind::Reserve {
            event: name(*event),
            items: wanted(*general, *vip),
            customer: who(customer),
            by_seller: *by_seller,
            pass: None,
        },
        Step::Hold { event, general, vip, customer, ttl_ms } => CommandKind::Hold {
            event: name(*event),
            items: wanted(*general, *vip),
            customer: who(customer),
            ttl_ms: *ttl_ms,
            pass: None,
        },
        Step::Extend { hold, ttl_ms } => {
            CommandKind::Extend { hold: pick(holds, *hold), ttl_ms: *ttl_ms }
        }
        Step::StartPayment { hold, payment } => CommandKind::StartPayment {
            hold: pick(holds, *hold),
            payment_ref: PaymentRef::new(&format!("p{payment}")).unwrap(),
        },
        Step::Confirm { hold, payment, amount, by_seller } => {
            let payment_ref = payment.map(|number| PaymentRef::new(&format!("p{number}")).unwrap());
            CommandKind::Confirm {
                hold: pick(holds, *hold),
                payment_ref,
                amount: amount.map(|amount_minor| Money {
                    amount_minor,
                    currency: Currency::new("EUR").unwrap(),
                }),
                by_seller: *by_seller,
            }
        }
        Step::ConfirmLate { hold, payment, by_seller } => CommandKind::Confirm {
            hold: if expired.is_empty() { pick(holds, *hold) } else { pick(expired, *hold) },
            payment_ref: payment.map(|number| PaymentRef::new(&format!("p{number}")).unwrap()),
            amount: None,
            by_seller: *by_seller,
        },
        Step::Release { hold } => CommandKind::Release { hold: pick(holds, *hold) },
        Step::Refund { hold, general } => CommandKind::Refund {
            reservation: pick(holds, *hold),
            items: general.map(|qty| items(&[("general", qty)])),
        },
        Step::Expire { event } => CommandKind::Expire { event: name(*event) },
        Step::Queue(event, step) => step.command(&name(*event), model, now_ms),
    }
}

/// Commands that are decided together, and the keys they carry.
pub type Batch = Vec<(Command, Option<IdempotencyKey>)>;

/// Makes the commands of a history, batch by batch.
pub struct Batches<'a> {
    moves: &'a [Move],
    at: usize,
    /// The time of the last batch.
    pub now_ms: u64,
    /// The holds and sales that were asked for, oldest first.
    pub asked: Vec<HoldId>,
    /// Those of them that exist, by the model.
    holds: Vec<HoldId>,
}

impl<'a> Batches<'a> {
    pub fn of(moves: &'a [Move]) -> Self {
        Self { moves, at: 0, now_ms: 10_000, asked: Vec::new(), holds: Vec::new() }
    }

    /// The place of the next batch's first step; `None` at the end.
    pub fn place(&self) -> Option<usize> {
        (self.at < self.moves.len()).then_some(self.at)
    }

    /// The next batch. The clock is set to its time. `model` has decided those before it.
    pub fn take(&mut self, model: &Model) -> Batch {
        self.holds.retain(|id| model.state_of(*id).is_some());
        let is_expired = |id: &HoldId| model.state_of(*id) == Some(HoldState::Expired);
        let expired: Vec<_> = self.holds.iter().copied().filter(is_expired).collect();
        let (moves, at) = (self.moves, self.at);
        let now_ms = self.now_ms.saturating_add_signed(moves[at].2).max(1);
        let len = 1 + moves[at + 1..].iter().take_while(|next| !next.3).count();
        let mut batch = Batch::new();
        for (number, (step, key_number, ..)) in moves[at..at + len].iter().enumerate() {
            let random = u128::to_be_bytes((at + number + 1) as u128)[6..].try_into().unwrap();
            let id = HoldId::new(now_ms, random);
            let kind = command(step, (model, now_ms), &self.holds, &expired);
            if matches!(kind, CommandKind::Hold { .. } | CommandKind::Reserve { .. }) {
                self.asked.push(id);
                self.holds.push(id);
            }
            // A place has no other key than its leaf.
            let key_number = key_number.filter(|_| !matches!(kind, CommandKind::JoinQueue { .. }));
            batch.push((Command { id, kind }, key_number.map(|number| key(&format!("k{number}")))));
        }
        (self.at, self.now_ms) = (at + len, now_ms);
        batch
    }
}
