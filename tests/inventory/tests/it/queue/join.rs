//! Joining a waiting room.

use inventory::{CommandKind, Limits, RefusalKind, ledger::QueueChange};

use super::{
    commands::{OPENS, SALE, Show, call, confirm, delete, hold, join, leaf, leaves},
    host::Host,
    on_every_store,
    room::{Room, drawn, in_line, places},
};
use crate::support::event;

const CLOSED: RefusalKind = RefusalKind::QueueClosed { opens_at_ms: None };

async fn join_before_the_opening_is_refused(room: Room<impl Host>) {
    room.accept(Show::line().put()).await;
    room.at(OPENS - 1);
    let early = RefusalKind::QueueClosed { opens_at_ms: Some(OPENS) };
    assert_eq!(room.refuse(join(1, &leaves(1, 0..2))).await, early);
    room.at(OPENS);
    assert_eq!(room.join(1, &leaves(1, 0..2)).await, in_line(0..2));
    // The clock is set back, the ledger's time is not.
    room.at(OPENS - 1);
    assert_eq!(room.join(1, &leaves(1, 2..3)).await, in_line(2..3));
    room.close().await;
}

async fn leaf_has_one_place(mut room: Room<impl Host>) {
    room.accept(Show::drawn().put()).await;
    room.at(OPENS);
    let (a, b, c) = (leaf(1, "a"), leaf(1, "b"), leaf(1, "c"));
    let first = room.join(1, &[a, b, a, a]).await;
    assert_eq!(first.iter().map(|place| place.index).collect::<Vec<_>>(), [0, 1, 0, 0]);
    // In commands that are decided together.
    let both = room.ask_all(vec![join(1, &[c, b]), join(1, &[b, c])]).await;
    let both: Vec<_> = both.into_iter().map(|reply| places(reply.result.unwrap())).collect();
    assert_eq!(
        (&both[0][..], &both[1][..]),
        (&[drawn(2..3)[0], first[1]][..], &[first[1], both[0][0]][..])
    );
    let count = room.records().await.len();
    for _ in 0..2 {
        assert_eq!(room.join(1, &[c, a, b]).await, [both[0][0], first[0], first[1]]);
        room.restart().await;
    }
    assert_eq!(room.records().await.len(), count, "who has a place gets it without a record");
    assert_eq!((room.queue().await.joined, room.leaves().await), (3, vec![a, b, c]));
    // Also when nobody else can join any more, and beside others who try.
    room.accept(Show::drawn().with(|show| show.settings.closes_at_ms = Some(OPENS)).put()).await;
    assert_eq!(room.join(1, &[b]).await, [first[1]]);
    let beside = room.join_some(1, &[leaf(1, "d"), b, leaf(1, "e")]).await;
    assert_eq!(beside, [None, Some(1), None]);
    assert_eq!(room.records().await.len(), count + 1, "nothing but the setting");
    assert_eq!(room.refuse(join(1, &[leaf(1, "d")])).await, CLOSED);
    room.close().await;
}

async fn places_are_numbered_without_gaps(room: Room<impl Host>) {
    room.accept(Show::line().put()).await;
    room.at(OPENS);
    // Each command repeats a half of the one before it, and they are decided in any batches.
    let asked: Vec<_> = (0..20).map(|number| leaves(1, number * 5..number * 5 + 10)).collect();
    let replies = room.ask_all(asked.iter().map(|leaves| join(1, leaves)).collect()).await;
    for (number, reply) in (0..).zip(replies) {
        assert_eq!(places(reply.result.unwrap()), in_line(number * 5..number * 5 + 10));
    }
    let mut next = 0;
    for record in room.records().await {
        if let inventory::ledger::Change::Queue(QueueChange::Joined(joined)) = record.change {
            assert_eq!(joined.from, next);
            next += joined.leaves.len() as u64;
        }
    }
    assert_eq!((next, room.leaves().await), (105, leaves(1, 0..105)));
    for (index, leaf) in (0..).zip(leaves(1, 0..105)) {
        assert_eq!(room.place(&leaf).await.map(|place| place.index), Some(index));
    }
    room.close().await;
}

async fn places_after_the_draw_get_turns(room: Room<impl Host>) {
    room.accept(Show::drawn().put()).await;
    room.at(SALE - 1);
    assert_eq!(room.join(1, &leaves(1, 0..3)).await, drawn(0..3));
    room.at(SALE);
    let all = [drawn(0..3), in_line(3..5)].concat();
    assert_eq!(room.join(1, &leaves(1, 0..5)).await, all);
    assert_eq!(room.join(1, &leaves(1, 5..6)).await, in_line(5..6));
    let queue = room.queue().await;
    assert_eq!((queue.joined, queue.drawn()), (6, 3));
    room.close().await;
}

async fn places_are_bounded(mut room: Room<impl Host>) {
    room.limits = Limits { places_max: 5, ..Limits::default() };
    room.restart().await;
    room.accept(Show::line().put()).await;
    room.at(OPENS);
    room.join(1, &leaves(1, 0..3)).await;
    // A place that is known already is no more, and one too many keeps nobody else out.
    let both = [leaves(1, 3..7), leaves(1, 1..4)].concat();
    assert_eq!(
        room.join_some(1, &both).await,
        [Some(3), Some(4), None, None, Some(1), Some(2), Some(3)]
    );
    assert_eq!(room.refuse(join(1, &leaves(1, 5..6))).await, RefusalKind::QueueFull(5));
    assert_eq!(room.join(1, &leaves(1, 0..5)).await, in_line(0..5));
    room.close().await;
}

async fn room_is_closed_when_the_sale_is(room: Room<impl Host>) {
    room.accept(Show::line().with(|show| show.settings.closes_at_ms = Some(SALE + 5)).put()).await;
    room.at(SALE + 4);
    room.join(1, &leaves(1, 0..1)).await;
    room.at(SALE + 5);
    assert_eq!(room.refuse(join(1, &leaves(1, 1..2))).await, CLOSED);
    room.close().await;
}

async fn room_is_closed_while_nothing_can_be_left(room: Room<impl Host>) {
    let show = Show::line().with(|show| show.capacity = 3);
    room.accept(show.put()).await;
    room.at(SALE);
    room.call_in_line(3, 3).await;
    let mut held = Vec::new();
    for name in ["p0", "p1", "p2"] {
        let pass = room.claim(1, name).await;
        held.push(room.take(hold(1, Some(pass))).await);
    }
    // What is held may come back.
    room.join(1, &leaves(1, 3..4)).await;
    room.accept(confirm(held[0])).await;
    room.accept(confirm(held[1])).await;
    room.join(1, &leaves(1, 4..5)).await;
    room.accept(confirm(held[2])).await;
    assert_eq!((room.counts().await, room.queue().await.joined), ((0, 0, 3), 5));
    assert_eq!(room.refuse(join(1, &leaves(1, 5..6))).await, CLOSED);
    // A ticket that comes back opens it again, and so does a larger capacity.
    room.accept(CommandKind::Refund { reservation: held[2], items: None }).await;
    room.join(1, &leaves(1, 5..6)).await;
    room.accept(show.clone().with(|show| show.capacity = 2).put()).await;
    assert_eq!(room.refuse(join(1, &leaves(1, 6..7))).await, CLOSED);
    room.accept(show.put()).await;
    room.join(1, &leaves(1, 6..7)).await;
    room.close().await;
}

async fn expired_hold_keeps_the_room_open(room: Room<impl Host>) {
    room.accept(Show::line().with(|show| show.capacity = 1).put()).await;
    room.at(SALE);
    room.call_in_line(1, 1).await;
    let pass = room.claim(1, "p0").await;
    room.take(hold(1, Some(pass))).await;
    room.at(SALE + 20_000);
    room.join(1, &leaves(1, 1..2)).await;
    assert_eq!(room.kinds(5).await, ["expired", "queue_joined"]);
    room.close().await;
}

async fn other_rooms_cannot_be_joined(room: Room<impl Host>) {
    let refused = async |queue: u64| room.refuse(join(queue, &leaves(queue, 0..1))).await;
    room.at(OPENS);
    assert_eq!(refused(1).await, RefusalKind::EventNotFound);
    room.accept(Show::plain().put()).await;
    assert_eq!(refused(1).await, RefusalKind::QueueNotFound);
    room.accept(Show::line().put()).await;
    for queue in [0, 1, 3] {
        assert_eq!(refused(queue).await, RefusalKind::QueueNotFound);
    }
    room.join(2, &leaves(2, 0..1)).await;
    let elsewhere =
        CommandKind::JoinQueue { event: event("other"), queue: 2, leaves: leaves(2, 0..1) };
    assert_eq!(room.refuse(elsewhere).await, RefusalKind::EventNotFound);
    room.accept(delete()).await;
    assert_eq!(refused(2).await, RefusalKind::EventNotFound);
    room.close().await;
}

async fn largest_join_is_one_record(room: Room<impl Host>) {
    room.accept(Show::drawn().put()).await;
    room.at(OPENS);
    let most = Limits::default().joins_max as u64;
    let before = room.records().await.len();
    assert_eq!(room.join(1, &leaves(1, 0..most)).await, drawn(0..most));
    assert_eq!(room.join(1, &leaves(1, 0..most)).await, drawn(0..most));
    assert_eq!(room.kinds(before).await, ["queue_joined"]);
    assert_eq!(room.leaves().await, leaves(1, 0..most));
    // None at all is a join too, and writes nothing.
    assert_eq!(room.join(1, &[]).await, []);
    assert_eq!(room.refuse(call(1, 0, 1, None)).await, RefusalKind::QueueMoved);
    room.close().await;
}

on_every_store!(
    join_before_the_opening_is_refused,
    leaf_has_one_place,
    places_are_numbered_without_gaps,
    places_after_the_draw_get_turns,
    places_are_bounded,
    room_is_closed_when_the_sale_is,
    room_is_closed_while_nothing_can_be_left,
    expired_hold_keeps_the_room_open,
    other_rooms_cannot_be_joined,
    largest_join_is_one_record,
);
