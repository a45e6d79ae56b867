//! The draw: committed to with the settings, revealed after its freeze.

use draw::{DrawKey, Order, Threshold};
use inventory::{
    RefusalKind,
    domain::{BeaconSignature, Outcome, Turn},
    ledger::{Change, DrawRevealed, QueueChange},
};
use sha2::{Digest, Sha256};

use super::{
    commands::{OPENS, SALE, Show, call, claim, commitment, leaf, leaves, reveal, seed, witnessed},
    host::Host,
    on_every_store,
    room::{Room, drawn, in_line},
};

async fn draw_is_committed_to_with_its_settings(room: Room<impl Host>) {
    let without = Show::drawn().with(|show| show.draw = None);
    assert_eq!(room.refuse(without.put()).await, RefusalKind::DrawNotCommitted);
    let reply = room.ask_with_key(Show::drawn().put(), "k").await;
    assert_eq!(reply.result, Ok(Outcome::EventPut { created: true, settings_seq: 1 }));
    assert_eq!(reply.seq, 1);
    let records = room.records().await;
    let committed = Change::Queue(QueueChange::DrawCommitted(commitment(1)));
    assert_eq!((records.len(), &records[1].change, &records[1].key), (2, &committed, &None));
    assert_eq!(records[1].at_ms, records[0].at_ms);
    let queue = room.queue().await;
    let draw = queue.draw.as_ref().unwrap();
    assert_eq!((queue.id, draw.committed_seq, &draw.commitment), (1, 2, &commitment(1)));
    // A retry commits to another seed, and is the same request.
    let again = Show::drawn().with(|show| show.draw = Some(commitment(2)));
    assert!(room.ask_with_key(again.put(), "k").await.replayed);
    // So is the same put without a key, which changes nothing.
    let same = Outcome::EventPut { created: false, settings_seq: 1 };
    assert_eq!(room.accept(without.put()).await, same);
    assert_eq!((room.records().await.len(), room.queue().await), (2, queue));
    room.close().await;
}

async fn line_has_no_draw(room: Room<impl Host>) {
    room.accept(Show::line().with(|show| show.draw = Some(commitment(1))).put()).await;
    assert_eq!(room.kinds(0).await, ["event_put"]);
    room.at(SALE);
    room.join(1, &leaves(1, 0..2)).await;
    assert_eq!(room.refuse(reveal(1, 1, None)).await, RefusalKind::QueueMoved);
    assert_eq!((room.queue().await.draw, room.kinds(1).await), (None, vec!["queue_joined"]));
    room.close().await;
}

async fn draw_is_revealed_once_with_its_seed(room: Room<impl Host>) {
    room.accept(Show::drawn().put()).await;
    room.at(SALE - 1);
    room.join(1, &leaves(1, 0..4)).await;
    assert_eq!(room.refuse(reveal(1, 1, None)).await, RefusalKind::QueueMoved);
    room.at(SALE);
    let wrong = room.ask(reveal(1, 2, None)).await.result.unwrap_err();
    assert_eq!(wrong.kind, RefusalKind::DrawNotCommitted);
    assert_eq!(room.kinds(3).await, ["draw_frozen"]);
    assert_eq!(room.refuse(reveal(2, 1, None)).await, RefusalKind::QueueNotFound);
    let undrawn = room.queue().await;
    assert_eq!(undrawn.turn(&leaf(1, "p0"), 0), Turn::Undrawn);
    assert_eq!(room.accept(reveal(1, 1, None)).await, Outcome::QueueAdvanced);
    // What comes too late changes nothing, whatever it says.
    for again in [reveal(1, 1, None), reveal(1, 2, Some(b"later"))] {
        assert_eq!(room.accept(again).await, Outcome::QueueAdvanced);
    }
    assert_eq!(room.kinds(4).await, ["draw_revealed"]);
    let revealed = room.queue().await.draw.unwrap().revealed.unwrap();
    assert_eq!((revealed.seq, &revealed.seed, &revealed.beacon), (5, &seed(1), &None));
    room.close().await;
}

async fn draw_uses_the_beacon_that_it_committed_to(room: Room<impl Host>) {
    let signature = [0xab_u8; 96];
    let randomness: [u8; 32] = Sha256::digest(signature).into();
    let beacon = BeaconSignature { round: 77, signature: "ab".repeat(96) };
    // With it, without it, and where none was committed to.
    for (number, committed, shown, expected) in [
        (1, witnessed(1), Some(&signature[..]), Some(beacon)),
        (2, witnessed(2), None, None),
        (3, commitment(3), Some(&signature[..]), None),
    ] {
        room.at(OPENS);
        let opens_at_ms = SALE * u64::from(number);
        room.accept(
            Show::drawn()
                .with(|show| {
                    show.settings.opens_at_ms = Some(opens_at_ms);
                    show.draw = Some(committed);
                })
                .put(),
        )
        .await;
        room.at(opens_at_ms);
        let queue = room.queue().await.id;
        room.accept(reveal(queue, number, shown)).await;
        let revealed = DrawRevealed { beacon: expected.clone(), seed: seed(number) };
        assert_eq!(room.newest().await, QueueChange::DrawRevealed(revealed));
        let randomness = expected.is_some().then_some(&randomness);
        let key = DrawKey::new(&seed(number), randomness);
        assert_eq!(room.draw_key().await, key, "draw {number}");
        // The next one is a new waiting room.
        room.accept(Show::plain().put()).await;
    }
    room.close().await;
}

async fn places_are_called_in_the_order_of_the_draw(room: Room<impl Host>) {
    room.accept(Show::drawn().put()).await;
    room.at(SALE - 1);
    let early = leaves(1, 0..20);
    room.join(1, &early).await;
    room.at(SALE);
    let late = leaves(1, 20..24);
    assert_eq!(room.join(1, &late).await, in_line(20..24));
    room.accept(reveal(1, 1, None)).await;
    let key = DrawKey::new(&seed(1), None);
    let mut ordered = early.clone();
    ordered.sort_by_key(|leaf| (key.value(leaf), *leaf));
    assert_ne!(ordered, early, "the order of joining says nothing");
    let order = Order::new(&key, early.iter().copied());
    let turns = [ordered, late].concat();
    let waiting = RefusalKind::NotCalled { lapsed: false };
    let mut from = 0;
    for serving in [1, 2, 7, 19, 20, 21, 24] {
        room.accept(call(1, from, serving, order.upto(serving))).await;
        let (called, others) = turns.split_at(usize::try_from(serving).unwrap());
        for leaf in called {
            room.accept(claim(1, *leaf)).await;
        }
        for leaf in others {
            let refused = room.ask(claim(1, *leaf)).await.result.unwrap_err();
            assert_eq!(refused.kind, waiting, "turn after {serving}");
        }
        from = serving;
    }
    assert_eq!(room.queue().await.passes.claimed, 24);
    room.close().await;
}

async fn draw_without_places_serves_in_line(room: Room<impl Host>) {
    room.accept(Show::drawn().put()).await;
    room.at(SALE);
    assert_eq!(room.join(1, &leaves(1, 0..2)).await, in_line(0..2));
    room.accept(reveal(1, 1, None)).await;
    let some = Some(Threshold::new(u128::MAX));
    assert_eq!(room.refuse(call(1, 0, 1, some)).await, RefusalKind::QueueMoved);
    room.accept(call(1, 0, 1, None)).await;
    room.claim(1, "p0").await;
    let waiting = RefusalKind::NotCalled { lapsed: false };
    assert_eq!(room.refuse(claim(1, leaf(1, "p1"))).await, waiting);
    room.close().await;
}

async fn places_of_a_draw_have_no_turn_when_asked_again(room: Room<impl Host>) {
    room.accept(Show::drawn().put()).await;
    room.at(OPENS);
    room.join(1, &leaves(1, 0..2)).await;
    room.at(SALE);
    assert_eq!(room.join(1, &leaves(1, 0..2)).await, drawn(0..2));
    room.accept(reveal(1, 1, None)).await;
    assert_eq!(room.join(1, &leaves(1, 0..2)).await, drawn(0..2));
    room.close().await;
}

on_every_store!(
    draw_is_committed_to_with_its_settings,
    line_has_no_draw,
    draw_is_revealed_once_with_its_seed,
    draw_uses_the_beacon_that_it_committed_to,
    places_are_called_in_the_order_of_the_draw,
    draw_without_places_serves_in_line,
    places_of_a_draw_have_no_turn_when_asked_again,
);
