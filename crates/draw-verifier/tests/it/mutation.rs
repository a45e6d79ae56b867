//! Every drop, repetition and move of queue records is found or harmless.
//!
//! Harmless is what another honest queue could have written, by the rules of [`oracle`]. Only the
//! published hash of a record after it tells such a ledger from the true one. These are:
//!
//! - A commitment that is repeated before the freeze, or moved while it precedes every place.
//! - A pause that is dropped, repeated or moved, while no call falls into it.
//! - A call that is dropped or moved, while no pass needs it and the turns called increase.
//! - A pass that is dropped or moved, while it follows its call and precedes its hold.
//! - Late places that are dropped and never used, or joined at another time, in another order only
//!   when those that change places are called at once.
//! - A freeze or a reveal that is moved, while it stays between the same records of participants,
//!   calls and each other.
//!
//! Participants, their order, the draw, the threshold of a call and the place of a hold are never
//! among them.

use std::collections::BTreeSet;

use proptest::prelude::*;

use crate::{
    builder::Ledger,
    honest::SMALL,
    oracle::{self, is_honest},
};

#[derive(Debug, Clone, Copy)]
enum Kind {
    Drop,
    Repeat,
    Move,
}

#[derive(Debug, Clone, Copy)]
struct Mutation {
    kind: Kind,
    /// The record among those of the queue.
    of: usize,
    /// The position to put it.
    to: usize,
    /// Whether the record gets the time of its new position, and all places new numbers.
    adapts: bool,
}

impl Mutation {
    fn apply(self, ledger: &mut Ledger) {
        let queue: Vec<usize> = (0..ledger.records.len())
            .filter(|index| ledger.records[*index].get("queue").is_some())
            .collect();
        let index = queue[self.of % queue.len()];
        let mut record = match self.kind {
            Kind::Repeat => ledger.records[index].clone(),
            Kind::Drop | Kind::Move => ledger.records.remove(index),
        };
        if !matches!(self.kind, Kind::Drop) {
            // After the two records that set up the event.
            let to = 2 + self.to % (ledger.records.len() - 1);
            if self.adapts {
                record["at_ms"] = ledger.records[to - 1]["at_ms"].clone();
            }
            ledger.records.insert(to, record);
        }
        if self.adapts {
            ledger.renumber();
        }
    }
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let kind = prop_oneof![Just(Kind::Drop), Just(Kind::Repeat), Just(Kind::Move)];
    (kind, any::<usize>(), any::<usize>(), prop::bool::weighted(0.8))
        .prop_map(|(kind, of, to, adapts)| Mutation { kind, of, to, adapts })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn mutated_ledger_is_found_unless_harmless(
        mutations in prop::collection::vec(mutation(), 1..4),
    ) {
        let mut ledger = SMALL.ledger();
        for mutation in mutations {
            mutation.apply(&mut ledger);
        }
        let honest = is_honest(&ledger, &SMALL.leaves(), SMALL.randomness());
        let verified = ledger.verify();
        prop_assert_eq!(honest, verified.is_ok(), "{:#?}", verified);
    }
}

#[test]
fn records_that_can_be_dropped_repeated_or_moved_are_known() {
    let honest = SMALL.ledger();
    assert!(oracle::is_honest(&honest, &SMALL.leaves(), SMALL.randomness()));
    let mut harmless = BTreeSet::new();
    let queue = honest.records.iter().filter(|record| record.get("queue").is_some());
    let (mut tried, mut found) = (0, 0);
    for (of, record) in queue.enumerate() {
        let position = honest.records.iter().position(|other| other == record).unwrap();
        for (what, kind, to) in [
            ("drop", Kind::Drop, position),
            ("repeat at once", Kind::Repeat, position + 1),
            ("move by one", Kind::Move, position + 1),
            ("move back", Kind::Move, position.saturating_sub(30)),
            ("move on", Kind::Move, position + 30),
        ] {
            let to = to.saturating_sub(2);
            if matches!(kind, Kind::Move) && to + 2 == position {
                continue;
            }
            let mut ledger = honest.clone();
            Mutation { kind, of, to, adapts: true }.apply(&mut ledger);
            let verified = ledger.verify();
            let is_honest = is_honest(&ledger, &SMALL.leaves(), SMALL.randomness());
            assert_eq!(is_honest, verified.is_ok(), "{what} {record}: {verified:#?}");
            (tried, found) = (tried + 1, found + usize::from(!is_honest));
            if is_honest {
                harmless.insert(format!("{what}: {}", record["kind"].as_str().unwrap()));
            }
        }
    }
    assert!(found * 2 > tried, "{found} of {tried} were found");
    let known = [
        "drop: pass_claimed",
        "drop: queue_paused",
        "move by one: draw_frozen",
        "move by one: draw_revealed",
        "move by one: pass_claimed",
        "move by one: queue_joined",
        "move on: pass_claimed",
        "move on: queue_joined",
        "repeat at once: queue_paused",
    ];
    assert_eq!(harmless.iter().map(String::as_str).collect::<Vec<_>>(), known);
}
