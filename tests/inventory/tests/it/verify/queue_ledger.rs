//! A valid ledger of an event with waiting rooms.

use draw::{DrawKey, Leaf, MerkleTree, Order, Threshold};
use inventory::{
    CommandKind,
    domain::BeaconSignature,
    ledger::{
        Change, DrawFrozen, DrawRevealed, PassClaimed, QueueCalled, QueueChange, QueueJoined,
        QueuePaused, Record,
    },
};
use sha2::{Digest, Sha256};

use super::ledger::{id, record};
use crate::{
    queue::commands::{OPENS, PASS_TTL, SALE, Show, leaf, leaves, seed, witnessed},
    support::items,
};

/// The signature of the beacon's round.
const SIGNATURE: [u8; 4] = [0xab; 4];

pub fn put(show: &Show) -> Change {
    match show.put() {
        CommandKind::PutEvent { capacities, settings, .. } => {
            Change::EventPut { capacities, settings }
        }
        other => panic!("{other:?}"),
    }
}

/// The event at first, and with its sale moved to its time.
pub fn early() -> Show {
    moved().with(|show| show.settings.opens_at_ms = Some(SALE - 7))
}

pub fn moved() -> Show {
    Show::drawn().with(|show| {
        show.capacity = 3;
        show.settings.closes_at_ms = Some(2 * SALE);
    })
}

pub fn line() -> Show {
    Show::line().with(|show| show.capacity = 3)
}

pub fn joined(from: u64, leaves: &[Leaf]) -> Change {
    Change::Queue(QueueChange::Joined(QueueJoined { from, leaves: leaves.to_vec() }))
}

pub fn committed(number: u8) -> Change {
    Change::Queue(QueueChange::DrawCommitted(witnessed(number)))
}

/// The freeze of a draw with these places.
pub fn frozen(n: u64, leaves: &[Leaf]) -> Change {
    let root = MerkleTree::new(leaves).root();
    Change::Queue(QueueChange::DrawFrozen(DrawFrozen { n, root }))
}

pub fn revealed(number: u8, beacon: Option<(u64, &str)>) -> Change {
    let beacon =
        beacon.map(|(round, signature)| BeaconSignature { round, signature: signature.to_owned() });
    Change::Queue(QueueChange::DrawRevealed(DrawRevealed { beacon, seed: seed(number) }))
}

pub fn called(serving: u64, upto: Option<Threshold>) -> Change {
    Change::Queue(QueueChange::Called(QueueCalled { serving, upto }))
}

/// A pass claimed at `at_ms`.
pub fn claimed(leaf: Leaf, number: u8, at_ms: u64) -> Change {
    let expires_at_ms = at_ms + PASS_TTL;
    Change::Queue(QueueChange::PassClaimed(PassClaimed { expires_at_ms, leaf, pass: id(number) }))
}

pub fn paused(paused: bool) -> Change {
    Change::Queue(QueueChange::Paused(QueuePaused { paused }))
}

pub fn sold(number: u8, place: Option<Leaf>) -> Change {
    let items = items(&[("general", 1)]);
    Change::Sold { id: id(number), items, customer: None, total: None, place }
}

pub fn held(number: u8, place: Option<Leaf>, expires_at_ms: u64) -> Change {
    let items = items(&[("general", 1)]);
    Change::Held { id: id(number), items, customer: None, expires_at_ms, total: None, place }
}

/// The order of the draw's three places.
pub fn order() -> Order {
    Order::new(&key(), leaves(1, 0..3).into_iter())
}

/// The place with this turn; those after the draw are served in line.
pub fn turn(number: usize) -> Leaf {
    let mut all = leaves(1, 0..3);
    all.sort_by_key(|leaf| key().value(leaf));
    all.extend(leaves(1, 3..5));
    all[number - 1]
}

fn key() -> DrawKey {
    DrawKey::new(&seed(2), Some(&Sha256::digest(SIGNATURE).into()))
}

/// A ledger with every kind of record of a waiting room, and nothing wrong.
pub fn good() -> Vec<Record> {
    let left = |qty| vec![("general", qty)];
    let all = [
        (OPENS - 1, put(&early()), left(3)),
        (OPENS - 1, committed(1), vec![]),
        (OPENS, joined(0, &leaves(1, 0..2)), vec![]),
        (OPENS + 1, joined(2, &leaves(1, 2..3)), vec![]),
        // 5: the opening moves, and the draw is committed to again.
        (OPENS + 2, put(&moved()), left(3)),
        (OPENS + 2, committed(2), vec![]),
        (SALE, frozen(3, &leaves(1, 0..3)), vec![]),
        (SALE + 1, joined(3, &leaves(1, 3..5)), vec![]),
        (SALE + 2, revealed(2, Some((77, "abababab"))), vec![]),
        // 10: admission.
        (SALE + 3, called(1, order().upto(1)), vec![]),
        (SALE + 4, claimed(turn(1), 101, SALE + 4), vec![]),
        (SALE + 5, held(12, Some(turn(1)), SALE + 500), left(2)),
        (SALE + 6, paused(true), vec![]),
        (SALE + 7, paused(false), vec![]),
        // 15
        (SALE + 8, called(4, order().upto(3)), vec![]),
        (SALE + 9, claimed(turn(2), 102, SALE + 9), vec![]),
        (SALE + 10, sold(17, Some(turn(2))), left(1)),
        (SALE + 11, claimed(turn(4), 104, SALE + 11), vec![]),
        (SALE + 500, Change::Expired { id: id(12), items: items(&[("general", 1)]) }, left(2)),
        // 20: without a waiting room, and then with another one.
        (SALE + 501, put(&Show::plain().with(|show| show.capacity = 3)), left(2)),
        (SALE + 502, sold(21, None), left(1)),
        (SALE + 503, put(&line()), left(1)),
        (SALE + 504, joined(0, &[leaf(22, "p0")]), vec![]),
        (SALE + 505, called(1, None), vec![]),
        // 25
        (SALE + 506, claimed(leaf(22, "p0"), 125, SALE + 506), vec![]),
        (SALE + 507, sold(26, Some(leaf(22, "p0"))), left(0)),
    ];
    let records = all.into_iter().zip(1..);
    records.map(|((at_ms, change, left), seq)| record(seq, at_ms, change, &left)).collect()
}
