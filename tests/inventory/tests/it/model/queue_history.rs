//! Random histories of sales with waiting rooms.

use proptest::prelude::*;

use super::{
    history::{Move, Step, step},
    queue_step::{CLAIM_TTLS, Changed, PASS_TTLS, QueueStep, Wrong},
};

fn ttls() -> impl Strategy<Value = (usize, usize)> {
    (0..CLAIM_TTLS.len(), 0..PASS_TTLS.len())
}

fn wrong() -> impl Strategy<Value = Wrong> {
    prop_oneof![9 => Just(Wrong::Nothing), 1 => Just(Wrong::Room), 1 => Just(Wrong::From), 1 => Just(Wrong::Named)]
}

fn put() -> impl Strategy<Value = QueueStep> {
    let opens = (0..250_u64, prop_oneof![4 => 400..3_000_u64, 1 => 0..300_u64]);
    let closes = proptest::option::weighted(0.1, 5_000..20_000_u64);
    let most = proptest::option::of(1..4_u64);
    let committed = proptest::option::weighted(0.95, 0..6_u8);
    (4..14_u64, proptest::bool::weighted(0.7), opens, closes, most, ttls(), committed).prop_map(
        |(general, draw, opens, closes, most, ttls, committed)| QueueStep::Put {
            general,
            draw,
            opens,
            closes,
            most,
            ttls,
            committed,
        },
    )
}

fn change() -> impl Strategy<Value = QueueStep> {
    let what = prop_oneof![
        1 => Just(Changed::Nothing),
        4 => (0..14_u64).prop_map(Changed::General),
        6 => (0..3_000_u64).prop_map(Changed::Opens),
        1 => (0..9_000_u64).prop_map(Changed::Closes),
        4 => proptest::option::of(1..5_u64).prop_map(Changed::Most),
        5 => ttls().prop_map(|(claim, pass)| Changed::Ttls(claim, pass)),
        1 => Just(Changed::Draw),
        1 => (0..900_u64).prop_map(Changed::RoomOpens),
        1 => Just(Changed::Removed),
    ];
    let committed = proptest::option::weighted(0.9, 0..6_u8);
    (what, committed).prop_map(|(what, committed)| QueueStep::Change(what, committed))
}

fn queue_step() -> impl Strategy<Value = QueueStep> {
    let elsewhere = || proptest::bool::weighted(0.05);
    prop_oneof![
        2 => put(),
        6 => change(),
        22 => (proptest::collection::vec(0..16_u8, 1..5), elsewhere())
            .prop_map(|(names, elsewhere)| QueueStep::Join { names, elsewhere }),
        24 => (any::<usize>(), proptest::bool::weighted(0.8), elsewhere())
            .prop_map(|(place, called, elsewhere)| QueueStep::Claim { place, called, elsewhere }),
        9 => (proptest::option::weighted(0.1, 0..6_u8), proptest::option::of(any::<u8>()), elsewhere())
            .prop_map(|(seed, beacon, elsewhere)| QueueStep::Reveal { seed, beacon, elsewhere }),
        18 => (0..4_u64, wrong()).prop_map(|(by, wrong)| QueueStep::Call { by, wrong }),
        3 => proptest::bool::weighted(0.3).prop_map(QueueStep::Pause),
        26 => (any::<usize>(), 1..4_u64, wrong(), any::<bool>(), proptest::option::of(0..3_u8))
            .prop_map(|(pass, general, wrong, holds, customer)| QueueStep::Take { pass, general, wrong, holds, customer }),
    ]
}

/// Histories of an event with a waiting room, in which everything else happens too.
pub fn queue_history(len: usize) -> impl Strategy<Value = Vec<Move>> {
    let about = |step: BoxedStrategy<QueueStep>| {
        let event = prop_oneof![12 => Just(0), 1 => 1..3_u8];
        (event, step).prop_map(|(event, step)| Step::Queue(event, step))
    };
    let forward = prop_oneof![7 => 0..60_i64, 2 => 200..2_500_i64].boxed();
    let jumping = prop_oneof![9 => forward.clone(), 1 => -1_500..0_i64].boxed();
    let one = |clock: BoxedStrategy<i64>| {
        let step = prop_oneof![7 => about(queue_step().boxed()), 1 => step()];
        (step, proptest::option::weighted(0.2, 0..12_u8), clock, any::<bool>())
    };
    let rest = prop_oneof![
        proptest::collection::vec(one(forward), 1..len),
        proptest::collection::vec(one(jumping), 1..len)
    ];
    // Most draws begin with somebody.
    let names = proptest::collection::vec(0..16_u8, 1..5);
    let begin = (put(), proptest::option::weighted(0.9, names)).prop_map(|(put, names)| {
        let joined = names.map(|names| QueueStep::Join { names, elsewhere: false });
        let put = (Step::Queue(0, put), None, 0, true);
        [put].into_iter().chain(joined.map(|step| (Step::Queue(0, step), None, 300, true)))
    });
    (begin, rest).prop_map(|(begin, rest)| begin.chain(rest).collect())
}
