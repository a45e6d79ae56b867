//! The end of joining a draw: decided by time, and written before anything else.

use draw::{Frontier, MerkleTree};
use inventory::{
    CommandKind, RefusalKind,
    domain::{Outcome, WaitlistSettings},
    ledger::{Change, DrawFrozen, QueueChange},
};

use super::{
    commands::{
        OPENS, SALE, Show, T, call, claim, commitment, delete, expire, hold, join, leaf, leaves,
        pause, reveal, sell,
    },
    host::Host,
    on_every_store,
    room::{Room, drawn, in_line},
};
use crate::support::{event, items};

/// A draw that three places have joined, one millisecond before its end.
async fn joined(room: &Room<impl Host>) {
    room.accept(Show::drawn().put()).await;
    room.at(OPENS);
    room.join(1, &leaves(1, 0..3)).await;
    room.at(SALE - 1);
}

async fn draw_is_frozen_with_its_places(room: Room<impl Host>) {
    joined(&room).await;
    room.accept(expire()).await;
    room.queue().await;
    assert_eq!(room.records().await.len(), 3, "its time has not come");
    room.at(SALE);
    room.accept(expire()).await;
    let root = MerkleTree::new(&leaves(1, 0..3)).root();
    assert_eq!(room.newest().await, QueueChange::DrawFrozen(DrawFrozen { n: 3, root }));
    let frozen = room.queue().await.draw.unwrap().frozen.unwrap();
    assert_eq!((frozen.root, frozen.seq, room.records().await[3].at_ms), (root, 4, SALE));
    // Once is enough, and what comes later takes no part in it.
    room.at(SALE + 1_000);
    assert_eq!(room.join(1, &leaves(1, 3..5)).await, in_line(3..5));
    room.accept(expire()).await;
    assert_eq!(room.kinds(4).await, ["queue_joined"]);
    let queue = room.queue().await;
    assert_eq!((queue.drawn(), queue.draw.unwrap().tree.root()), (3, root));
    room.close().await;
}

async fn draw_without_places_is_frozen(room: Room<impl Host>) {
    room.accept(Show::drawn().put()).await;
    room.at(SALE);
    room.accept(expire()).await;
    let root = Frontier::default().root();
    assert_eq!(room.newest().await, QueueChange::DrawFrozen(DrawFrozen { n: 0, root }));
    room.close().await;
}

/// Commands about waiting room `queue`, whose sale opens at `start`, and what each writes then.
fn commands(queue: u64, start: u64) -> Vec<(CommandKind, &'static [&'static str])> {
    let show = Show::drawn().with(|show| show.settings.opens_at_ms = Some(start));
    let later = show.clone().with(|show| show.settings.opens_at_ms = Some(start + 9));
    let p0 = leaf(queue, "p0");
    vec![
        (join(queue, &[leaf(queue, "new")]), &["queue_joined"]),
        (join(queue, &[p0]), &[]),
        (join(queue + 1, &[p0]), &[]),
        (claim(queue, p0), &[]),
        (reveal(queue, 1, None), &["draw_revealed"]),
        (call(queue, 0, 1, None), &[]),
        (pause(true), &["queue_paused"]),
        (expire(), &[]),
        (hold(1, None), &[]),
        (sell(1, None), &[]),
        (show.put(), &[]),
        (later.put(), &[]),
        (show.with(|show| show.capacity = 9).put(), &["event_put"]),
        (Show::plain().put(), &["event_put"]),
        (delete(), &["event_deleted"]),
    ]
}

async fn first_command_of_any_kind_freezes_the_draw(room: Room<impl Host>) {
    for number in 0..commands(0, 0).len() {
        let start = SALE * (1 + number as u64);
        let show = Show::drawn().with(|show| show.settings.opens_at_ms = Some(start));
        room.accept(show.put()).await;
        let queue = room.queue().await.id;
        room.at(start - 1);
        room.join(queue, &leaves(queue, 0..1)).await;
        let before = room.records().await.len();
        room.at(start);
        let (command, written) = commands(queue, start).swap_remove(number);
        let _ = room.ask(command.clone()).await;
        assert_eq!(room.kinds(before).await, [&["draw_frozen"], written].concat(), "{command:?}");
        room.accept(delete()).await;
    }
    room.close().await;
}

async fn reader_freezes_the_draw(room: Room<impl Host>) {
    joined(&room).await;
    let name = event("default");
    assert!(room.engine().event(&name).await.unwrap().unwrap().event.queue.is_some());
    room.at(SALE);
    assert!(room.engine().try_event(&name, |_| ()).is_none(), "it has to wait for the freeze");
    let seen = room.engine().event(&name).await.unwrap().unwrap();
    assert!(!seen.event.queue.as_ref().unwrap().is_drawing_open());
    assert_eq!(room.kinds(3).await, ["draw_frozen"]);
    let (all, _) = room.engine().events(None, 10).await.unwrap();
    assert_eq!((all[0].event.seq, room.records().await.len()), (4, 4));
    room.close().await;
}

async fn expired_holds_come_before_the_freeze(room: Room<impl Host>) {
    // They were made before the sale got a waiting room.
    room.accept(Show::plain().with(|show| show.settings.opens_at_ms = None).put()).await;
    let CommandKind::Hold { event, items, customer, pass, .. } = hold(1, None) else {
        unreachable!()
    };
    for ttl_ms in [50_000, 5_000] {
        let (event, items, customer, pass) =
            (event.clone(), items.clone(), customer.clone(), pass.clone());
        room.at(SALE - ttl_ms);
        let ttl_ms = Some(ttl_ms);
        room.accept(CommandKind::Hold { event, items, customer, ttl_ms, pass }).await;
    }
    room.accept(Show::drawn().put()).await;
    room.at(SALE);
    room.queue().await;
    assert_eq!(room.kinds(5).await, ["expired", "expired", "draw_frozen"]);
    assert_eq!(room.counts().await, (10, 0, 0));
    room.close().await;
}

async fn opening_moves_until_the_freeze(room: Room<impl Host>) {
    joined(&room).await;
    let moved = |opens_at_ms: u64, draw: Option<u8>| {
        Show::drawn().with(|show| {
            show.settings.opens_at_ms = Some(opens_at_ms);
            show.draw = draw.map(commitment);
        })
    };
    assert_eq!(room.refuse(moved(SALE + 500, None).put()).await, RefusalKind::DrawNotCommitted);
    let put = room.ask(moved(SALE + 500, Some(2)).put()).await;
    assert_eq!(put.result, Ok(Outcome::EventPut { created: false, settings_seq: 4 }));
    assert_eq!(room.kinds(3).await, ["event_put", "draw_committed"]);
    // It is the same waiting room, with the same places, and one more may come.
    room.at(SALE + 499);
    assert_eq!(room.join(1, &leaves(1, 0..4)).await, drawn(0..4));
    let draw = room.queue().await.draw.unwrap();
    assert_eq!((draw.committed_seq, draw.commitment, draw.tree.len()), (5, commitment(2), 4));
    // Other settings need no commitment, and keep the one that there is.
    let same = moved(SALE + 500, Some(3)).with(|show| show.capacity = 9);
    room.accept(same.put()).await;
    assert_eq!(room.kinds(6).await, ["event_put"]);
    room.at(SALE + 500);
    // The freeze is due, so it is too late; and later all the more.
    let refused = room.ask(moved(SALE + 600, Some(4)).put()).await.result.unwrap_err();
    assert_eq!(refused.kind, RefusalKind::QueueInUse);
    assert_eq!(room.kinds(7).await, ["draw_frozen"]);
    for show in [moved(SALE + 600, Some(4)), moved(SALE, Some(4))] {
        assert_eq!(room.refuse(show.put()).await, RefusalKind::QueueInUse);
    }
    assert_eq!(room.refuse(reveal(1, 1, None)).await, RefusalKind::DrawNotCommitted);
    room.accept(reveal(1, 2, None)).await;
    let root = MerkleTree::new(&leaves(1, 0..4)).root();
    assert_eq!(room.queue().await.draw.unwrap().frozen.unwrap().root, root);
    // What does not concern the draw may still change.
    room.accept(same.with(|show| show.queue().active_max = Some(3)).put()).await;
    room.close().await;
}

async fn opening_moved_to_the_past_freezes_the_draw(room: Room<impl Host>) {
    joined(&room).await;
    let show = Show::drawn().with(|show| show.settings.opens_at_ms = Some(OPENS + 1));
    room.accept(show.put()).await;
    assert_eq!(room.join(1, &leaves(1, 0..4)).await, [drawn(0..3), in_line(3..4)].concat());
    let kinds = ["event_put", "draw_committed", "draw_frozen", "queue_joined"];
    assert_eq!(room.kinds(3).await, kinds);
    room.close().await;
}

async fn waiting_list_gets_offers_after_the_freeze(room: Room<impl Host>) {
    // Somebody waits since before the sale got a waiting room.
    let list = WaitlistSettings { offer_ttl_ms: 9_000 };
    let open = |show: Show| {
        show.with(|show| {
            show.settings.waitlist = Some(list.clone());
            show.settings.opens_at_ms = Some(T);
            show.capacity = 1;
        })
    };
    room.accept(open(Show::plain()).put()).await;
    room.take(hold(1, None)).await;
    let entry = CommandKind::JoinWaitlist {
        event: event("default"),
        items: items(&[("general", 1)]),
        customer: None,
    };
    room.accept(entry).await;
    let later = open(Show::drawn()).with(|show| show.settings.opens_at_ms = Some(SALE));
    room.accept(later.put()).await;
    room.at(OPENS);
    room.join(4, &leaves(4, 0..2)).await;
    // One more ticket, and the sale has been open since before now.
    room.accept(open(Show::drawn()).with(|show| show.capacity = 2).put()).await;
    let kinds = ["event_put", "draw_committed", "draw_frozen", "hold_offered"];
    assert_eq!(room.kinds(6).await, kinds);
    room.close().await;
}

async fn places_keep_what_they_joined_for(room: Room<impl Host>) {
    let changes: [fn(&mut Show); 3] = [
        |show| show.queue().draw = !show.queue().draw,
        |show| show.queue().opens_at_ms += 1,
        |show| show.queue().opens_at_ms -= 1,
    ];
    for (show, has_draw) in [(Show::line(), false), (Show::drawn(), true)] {
        let show = show.with(|show| show.draw = Some(commitment(1)));
        room.accept(show.put()).await;
        // Nobody is there yet: it begins again, as another waiting room.
        for change in changes {
            let before = room.queue().await.id;
            room.accept(show.clone().with(change).put()).await;
            assert!(room.queue().await.id > before);
        }
        room.accept(show.put()).await;
        let queue = room.queue().await.id;
        room.at(OPENS);
        room.join(queue, &leaves(queue, 0..1)).await;
        for change in changes {
            let refused = room.refuse(show.clone().with(change).put()).await;
            assert_eq!(refused, RefusalKind::QueueInUse, "with a draw: {has_draw}");
        }
        if !has_draw {
            // A line does not end when the sale opens, so that can move at any time.
            let later = show.with(|show| show.settings.opens_at_ms = Some(SALE + 9));
            room.accept(later.put()).await;
        }
        assert_eq!(room.queue().await.id, queue);
        room.accept(delete()).await;
    }
    room.close().await;
}

async fn freeze_follows_the_time_of_the_ledger(room: Room<impl Host>) {
    joined(&room).await;
    room.at(SALE);
    room.accept(pause(true)).await;
    // The clock is set back behind the freeze.
    room.at(OPENS);
    assert_eq!(room.join(1, &leaves(1, 3..4)).await, in_line(3..4));
    let records = room.records().await;
    let frozen = records
        .iter()
        .position(|record| matches!(record.change, Change::Queue(QueueChange::DrawFrozen(_))));
    assert_eq!((frozen, records.len(), records[5].at_ms), (Some(3), 6, SALE));
    room.close().await;
}

on_every_store!(
    draw_is_frozen_with_its_places,
    draw_without_places_is_frozen,
    first_command_of_any_kind_freezes_the_draw,
    reader_freezes_the_draw,
    expired_holds_come_before_the_freeze,
    opening_moves_until_the_freeze,
    opening_moved_to_the_past_freezes_the_draw,
    waiting_list_gets_offers_after_the_freeze,
    places_keep_what_they_joined_for,
    freeze_follows_the_time_of_the_ledger,
);
