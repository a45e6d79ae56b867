//! The end of a waiting room: it is taken from the settings, or the event is deleted.

use inventory::{Outcome, PassUse, RefusalKind};

use super::{
    commands::{
        OPENS, SALE, Show, call, claim, commitment, delete, expire, hold, join, leaf, leaves,
        pause, reveal, sell,
    },
    host::Host,
    on_every_store,
    room::{Room, drawn, in_line},
};

/// A sale in waiting room 1, of which a place has its pass and another one is called.
async fn running(room: &Room<impl Host>) -> PassUse {
    room.accept(Show::drawn().put()).await;
    room.at(OPENS);
    room.join(1, &leaves(1, 0..2)).await;
    room.at(SALE);
    room.accept(reveal(1, 1, None)).await;
    room.accept(call(1, 0, 2, room.upto(2).await)).await;
    room.claim(1, "p0").await
}

/// Nothing of waiting room 1 is of use, and `queue` is the new one, if there is one.
async fn is_over(room: &Room<impl Host>, used: &PassUse, queue: Option<u64>) {
    let over = [
        join(1, &leaves(1, 0..1)),
        join(1, &leaves(1, 7..8)),
        claim(1, leaf(1, "p0")),
        claim(1, leaf(1, "p1")),
        reveal(1, 1, None),
        call(1, 2, 3, None),
    ];
    for kind in over {
        assert_eq!(room.refuse(kind.clone()).await, RefusalKind::QueueNotFound, "{kind:?}");
    }
    if queue.is_some() {
        for kind in [hold(1, Some(used.clone())), sell(1, Some(used.clone()))] {
            assert_eq!(room.refuse(kind).await, RefusalKind::PassRequired);
        }
    }
}

async fn room_ends_with_its_setting(room: Room<impl Host>) {
    let used = running(&room).await;
    room.accept(Show::plain().put()).await;
    is_over(&room, &used, None).await;
    assert_eq!(room.refuse(pause(true)).await, RefusalKind::QueueNotFound);
    // Everyone can buy again, and a pass is of no use.
    room.take(sell(1, None)).await;
    room.take(hold(1, Some(used.clone()))).await;
    let kinds = room.kinds(7).await;
    assert_eq!(kinds, ["event_put", "sold", "held"]);
    assert_eq!(room.place(&used.leaf).await.unwrap().pass.unwrap().spent_on, None);
    room.close().await;
}

async fn next_room_begins_with_nobody(room: Room<impl Host>) {
    let used = running(&room).await;
    room.accept(pause(true)).await;
    room.accept(Show::plain().put()).await;
    let without = Show::drawn().with(|show| show.draw = None);
    assert_eq!(room.refuse(without.put()).await, RefusalKind::DrawNotCommitted);
    let later = Show::drawn().with(|show| {
        show.settings.opens_at_ms = Some(SALE * 2);
        show.draw = Some(commitment(2));
    });
    room.accept(later.put()).await;
    let queue = room.queue().await;
    assert_eq!((queue.id, queue.joined, queue.paused, queue.called.serving), (10, 0, false, 0));
    assert_eq!(queue.draw.as_ref().map(|draw| draw.committed_seq), Some(11));
    // The same customers join it, with other places.
    assert_eq!(room.join(10, &leaves(10, 0..2)).await, drawn(0..2));
    room.at(SALE * 2);
    room.accept(expire()).await;
    is_over(&room, &used, Some(10)).await;
    room.accept(reveal(10, 2, None)).await;
    let upto = draw::Order::new(&room.draw_key().await, leaves(10, 0..2).into_iter()).upto(2);
    room.accept(call(10, 0, 2, upto)).await;
    let again = room.claim(10, "p0").await;
    assert_ne!(again.pass, used.pass);
    room.take(sell(1, Some(again))).await;
    room.close().await;
}

async fn room_ends_with_its_event(room: Room<impl Host>) {
    let used = running(&room).await;
    assert_eq!(room.accept(delete()).await, Outcome::EventDeleted);
    for kind in [
        join(1, &leaves(1, 0..1)),
        claim(1, leaf(1, "p0")),
        reveal(1, 1, None),
        call(1, 2, 3, None),
        pause(true),
        sell(1, Some(used.clone())),
    ] {
        assert_eq!(room.refuse(kind.clone()).await, RefusalKind::EventNotFound, "{kind:?}");
    }
    // It comes back without a waiting room, and then with another one.
    room.accept(Show::plain().put()).await;
    room.take(sell(1, None)).await;
    room.accept(Show::line().put()).await;
    let queue = room.queue().await;
    assert_eq!((queue.id, queue.joined, queue.draw), (11, 0, None));
    is_over(&room, &used, Some(11)).await;
    assert_eq!(room.join(11, &leaves(11, 0..2)).await, in_line(0..2));
    room.close().await;
}

async fn event_with_tickets_in_use_keeps_its_room(room: Room<impl Host>) {
    let used = running(&room).await;
    room.take(hold(2, Some(used))).await;
    assert_eq!(room.refuse(delete()).await, RefusalKind::EventInUse { used: 2 });
    room.claim(1, "p1").await;
    room.close().await;
}

async fn room_that_nobody_joined_begins_again(room: Room<impl Host>) {
    room.accept(Show::drawn().put()).await;
    room.accept(pause(true)).await;
    let other = Show::drawn().with(|show| {
        show.capacity = 5;
        show.draw = Some(commitment(2));
    });
    room.accept(other.put()).await;
    assert_eq!(room.kinds(3).await, ["event_put", "draw_committed"]);
    let queue = room.queue().await;
    assert_eq!((queue.id, queue.paused), (4, true));
    assert_eq!(queue.draw.map(|draw| draw.commitment), Some(commitment(2)));
    // Also after its freeze, which the next one repeats.
    room.at(SALE);
    room.accept(other.clone().with(|show| show.capacity = 6).put()).await;
    room.accept(reveal(7, 2, None)).await;
    let kinds = ["draw_frozen", "event_put", "draw_committed", "draw_frozen", "draw_revealed"];
    assert_eq!(room.kinds(5).await, kinds);
    room.close().await;
}

on_every_store!(
    room_ends_with_its_setting,
    next_room_begins_with_nobody,
    room_ends_with_its_event,
    event_with_tickets_in_use_keeps_its_room,
    room_that_nobody_joined_begins_again,
);
