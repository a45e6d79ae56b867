//! Calls: one after another, in the order of the turns, each for a time.

use inventory::{
    RefusalKind,
    domain::{Outcome, PlaceCall, Turn},
    ledger::{QueueCalled, QueueChange},
};

use super::{
    commands::{
        CLAIM_TTL, PASS_TTL, SALE, Show, call, claim, hold, leaf, leaves, pause, reveal, sell,
    },
    host::Host,
    on_every_store,
    room::Room,
};

const MOVED: RefusalKind = RefusalKind::QueueMoved;
const LAPSED: RefusalKind = RefusalKind::NotCalled { lapsed: true };

/// How long calls share an entry: the time to claim is as much longer.
async fn share_ms(room: &Room<impl Host>) -> u64 {
    let call = room.queue().await.calls[0];
    let share_ms = call.until_ms - call.since_ms - CLAIM_TTL;
    assert!((1..=CLAIM_TTL / 4).contains(&share_ms), "{share_ms}");
    share_ms
}

async fn call_follows_the_one_before_it(room: Room<impl Host>) {
    room.accept(Show::line().put()).await;
    room.at(SALE);
    room.join(1, &leaves(1, 0..9)).await;
    for (from, serving) in [(1, 2), (0, 0), (0, 10), (9, 9)] {
        assert_eq!(room.refuse(call(1, from, serving, None)).await, MOVED, "{from}..{serving}");
    }
    assert_eq!(room.refuse(call(2, 0, 1, None)).await, RefusalKind::QueueNotFound);
    assert_eq!(room.accept(call(1, 0, 2, None)).await, Outcome::QueueAdvanced);
    let called = QueueCalled { serving: 2, upto: None };
    assert_eq!(room.newest().await, QueueChange::Called(called));
    // Of those who saw the same turn, one calls.
    let replies =
        room.ask_all(vec![call(1, 2, 5, None), call(1, 2, 4, None), call(1, 0, 6, None)]).await;
    let results: Vec<_> =
        replies.into_iter().map(|reply| reply.result.map_err(|refusal| refusal.kind)).collect();
    assert_eq!(results, [Ok(Outcome::QueueAdvanced), Err(MOVED), Err(MOVED)]);
    assert_eq!(room.queue().await.called.serving, 5);
    room.accept(call(1, 5, 9, None)).await;
    room.close().await;
}

async fn nobody_is_called_before_the_draw(room: Room<impl Host>) {
    room.accept(Show::drawn().put()).await;
    room.at(SALE - 1);
    room.join(1, &leaves(1, 0..3)).await;
    // Before and after the freeze, with a threshold and without.
    let some = Some(draw::Threshold::new(u128::MAX));
    for now_ms in [SALE - 1, SALE] {
        room.at(now_ms);
        room.queue().await;
        for upto in [None, some] {
            assert_eq!(room.refuse(call(1, 0, 1, upto)).await, MOVED);
        }
    }
    room.accept(reveal(1, 1, None)).await;
    room.accept(call(1, 0, 1, room.upto(1).await)).await;
    room.close().await;
}

async fn nobody_is_called_during_a_pause(mut room: Room<impl Host>) {
    assert_eq!(room.refuse(pause(true)).await, RefusalKind::EventNotFound);
    room.accept(Show::plain().put()).await;
    assert_eq!(room.refuse(pause(true)).await, RefusalKind::QueueNotFound);
    room.accept(Show::line().with(|show| show.queue().active_max = Some(1)).put()).await;
    room.at(SALE);
    room.join(2, &leaves(2, 0..9)).await;
    room.accept(call(2, 0, 2, None)).await;
    let before = room.records().await.len();
    for paused in [true, true, false, false, true] {
        assert_eq!(room.accept(pause(paused)).await, Outcome::QueueAdvanced);
        assert_eq!(room.queue().await.paused, paused);
    }
    assert_eq!(room.kinds(before).await, ["queue_paused"; 3], "a repetition has no record");
    assert_eq!(room.refuse(call(2, 2, 3, None)).await, MOVED);
    // A called place keeps its turn; a turn that has lapsed has to wait.
    room.claim(2, "p0").await;
    room.at(SALE + 2 * PASS_TTL);
    assert_eq!(room.refuse(claim(2, leaf(2, "p1"))).await, LAPSED);
    room.restart().await;
    assert!(room.queue().await.paused);
    room.accept(pause(false)).await;
    room.claim(2, "p1").await;
    room.accept(call(2, 2, 3, None)).await;
    room.close().await;
}

async fn call_names_the_last_place_of_the_draw(room: Room<impl Host>) {
    room.accept(Show::drawn().put()).await;
    room.at(SALE - 1);
    room.join(1, &leaves(1, 0..3)).await;
    room.at(SALE);
    room.join(1, &leaves(1, 3..5)).await;
    room.accept(reveal(1, 1, None)).await;
    let uptos = [room.upto(1).await, room.upto(2).await, room.upto(3).await];
    assert_eq!(room.refuse(call(1, 0, 2, None)).await, MOVED);
    room.accept(call(1, 0, 2, uptos[1])).await;
    for upto in [None, uptos[0]] {
        assert_eq!(room.refuse(call(1, 2, 3, upto)).await, MOVED);
    }
    // Those after the draw have their turns after it.
    room.accept(call(1, 2, 4, uptos[2])).await;
    for name in ["p0", "p1", "p2", "p3"] {
        room.claim(1, name).await;
    }
    let waiting = RefusalKind::NotCalled { lapsed: false };
    assert_eq!(room.refuse(claim(1, leaf(1, "p4"))).await, waiting);
    assert_eq!(room.refuse(call(1, 4, 5, uptos[1])).await, MOVED);
    room.accept(call(1, 4, 5, uptos[2])).await;
    let called = room.queue().await.called;
    assert_eq!((called.serving, called.upto, called.claimed), (5, uptos[2], 4));
    room.close().await;
}

async fn called_place_has_time_to_claim(room: Room<impl Host>) {
    let show = Show::line().with(|show| show.queue().active_max = Some(1));
    room.accept(show.put()).await;
    room.at(SALE);
    room.call_in_line(9, 3).await;
    let share_ms = share_ms(&room).await;
    // A call shortly after it shares its time, which is long enough for both.
    room.at(SALE + share_ms - 1);
    room.accept(call(1, 3, 5, None)).await;
    room.at(SALE + share_ms);
    room.accept(call(1, 5, 6, None)).await;
    let queue = room.queue().await;
    let (first_ms, second_ms) = (SALE + share_ms + CLAIM_TTL, SALE + 2 * share_ms + CLAIM_TTL);
    let times: Vec<_> = queue.calls.iter().map(|call| (call.since_ms, call.until_ms)).collect();
    assert_eq!(times, [(SALE, first_ms), (SALE + share_ms, second_ms)]);
    for (turn, until_ms) in
        [(1, first_ms), (3, first_ms), (4, first_ms), (5, first_ms), (6, second_ms)]
    {
        let place = |at_ms: u64| queue.place_call(Turn::Line(turn), at_ms);
        assert_eq!(place(until_ms - 1), PlaceCall::Called(until_ms), "turn {turn}");
        assert_eq!(place(until_ms), PlaceCall::Lapsed, "turn {turn}");
    }
    assert_eq!(queue.place_call(Turn::Line(7), second_ms), PlaceCall::Waiting);
    // The engine decides by the same times: within them there is always room, and later there is
    // not.
    room.at(first_ms - 1);
    room.claim(1, "p0").await;
    room.claim(1, "p4").await;
    room.at(first_ms);
    for name in ["p1", "p3"] {
        assert_eq!(room.refuse(claim(1, leaf(1, name))).await, LAPSED);
    }
    room.at(second_ms - 1);
    room.claim(1, "p5").await;
    room.close().await;
}

async fn calls_are_counted_until_they_lapse(room: Room<impl Host>) {
    room.accept(Show::line().put()).await;
    room.at(SALE);
    room.call_in_line(9, 4).await;
    let share_ms = share_ms(&room).await;
    let (first_ms, second_ms) = (SALE + share_ms + CLAIM_TTL, SALE + 2 * share_ms + CLAIM_TTL);
    room.claim(1, "p1").await;
    room.at(SALE + share_ms);
    room.accept(call(1, 4, 7, None)).await;
    room.claim(1, "p4").await;
    room.claim(1, "p5").await;
    let queue = room.queue().await;
    // Time, outstanding, lapsed turns and what of them was claimed.
    for (at_ms, outstanding, lapsed, claimed) in
        [(SALE, 4, 0, 0), (first_ms - 1, 4, 0, 0), (first_ms, 1, 4, 1), (second_ms, 0, 7, 3)]
    {
        let lapsed_at = queue.lapsed_at(at_ms);
        assert_eq!((lapsed_at.serving, lapsed_at.claimed), (lapsed, claimed), "{at_ms}");
        assert_eq!(queue.outstanding(at_ms), outstanding, "{at_ms}");
    }
    // A claim after the time counts as a pass, and not as one of those who were called.
    room.at(first_ms);
    room.claim(1, "p2").await;
    let queue = room.queue().await;
    assert_eq!(
        (queue.passes.claimed, queue.called.claimed, queue.outstanding(first_ms)),
        (4, 3, 1)
    );
    // The next call forgets the entries that are over.
    room.accept(call(1, 7, 8, None)).await;
    let after = room.queue().await;
    assert_eq!((after.lapsed, after.calls.len()), (queue.lapsed_at(first_ms), 2));
    assert_eq!(
        (after.lapsed.serving, after.lapsed.claimed, after.outstanding(first_ms)),
        (4, 1, 2)
    );
    room.close().await;
}

async fn lapsed_place_waits_for_a_free_pass(room: Room<impl Host>) {
    room.accept(Show::line().with(|show| show.queue().active_max = Some(2)).put()).await;
    room.at(SALE);
    room.call_in_line(6, 6).await;
    let p0 = room.claim(1, "p0").await;
    room.claim(1, "p1").await;
    let expires_ms = SALE + PASS_TTL;
    let lapsed = |name: &str| claim(1, leaf(1, name));
    room.at(SALE + 2 * CLAIM_TTL);
    assert_eq!(room.refuse(lapsed("p2")).await, LAPSED);
    assert_eq!(room.queue().await.passes.active(SALE + 2 * CLAIM_TTL), 2);
    // One is used.
    room.take(sell(1, Some(p0))).await;
    room.claim(1, "p2").await;
    assert_eq!(room.refuse(lapsed("p3")).await, LAPSED);
    // One expires, which is noticed a little later.
    let pass = room.place(&leaf(1, "p1")).await.unwrap().pass.unwrap();
    let counts_ms = pass.counts_until_ms();
    assert_eq!(pass.expires_at_ms, expires_ms);
    assert!((expires_ms..=expires_ms + PASS_TTL / 32).contains(&counts_ms), "{counts_ms}");
    room.at(counts_ms - 1);
    assert_eq!(room.refuse(lapsed("p3")).await, LAPSED);
    room.at(counts_ms);
    room.claim(1, "p3").await;
    assert_eq!(room.refuse(lapsed("p4")).await, LAPSED);
    let passes = room.queue().await.passes;
    assert_eq!(
        (passes.claimed, passes.spent, passes.taken, passes.active(counts_ms)),
        (4, 1, 1, 2)
    );
    // More may choose at once from now on.
    room.accept(Show::line().with(|show| show.queue().active_max = Some(3)).put()).await;
    room.claim(1, "p4").await;
    assert_eq!(room.refuse(lapsed("p5")).await, LAPSED);
    room.close().await;
}

async fn lapsed_place_waits_for_a_ticket(room: Room<impl Host>) {
    room.accept(Show::line().with(|show| show.capacity = 2).put()).await;
    room.at(SALE);
    room.call_in_line(4, 4).await;
    let passes = [room.claim(1, "p0").await, room.claim(1, "p1").await];
    room.at(SALE + 2 * CLAIM_TTL);
    let p2 = || claim(1, leaf(1, "p2"));
    assert_eq!(room.refuse(p2()).await, LAPSED, "a ticket for each pass");
    let [p0, p1] = passes;
    let held = room.take(hold(1, Some(p0))).await;
    assert_eq!(room.refuse(p2()).await, LAPSED);
    room.take(sell(1, Some(p1))).await;
    assert_eq!(room.refuse(p2()).await, LAPSED, "sold out");
    room.accept(inventory::CommandKind::Release { hold: held }).await;
    room.claim(1, "p2").await;
    assert_eq!(room.refuse(claim(1, leaf(1, "p3"))).await, LAPSED);
    room.close().await;
}

async fn longer_time_to_claim_is_given_to_the_next_call(room: Room<impl Host>) {
    let show = Show::line();
    room.accept(show.put()).await;
    room.at(SALE);
    room.call_in_line(9, 1).await;
    let long_ms = 10 * CLAIM_TTL;
    room.accept(show.with(|show| show.queue().claim_ttl_ms = long_ms).put()).await;
    // It comes soon after the other, but cannot share its time.
    room.at(SALE + 1_000);
    room.accept(call(1, 1, 2, None)).await;
    let queue = room.queue().await;
    let until_ms = |turn| match queue.place_call(Turn::Line(turn), SALE + 1_000) {
        PlaceCall::Called(until_ms) => until_ms,
        other => panic!("{other:?}"),
    };
    assert!(until_ms(1) < SALE + 2 * CLAIM_TTL, "{}", until_ms(1));
    assert!(until_ms(2) >= SALE + 1_000 + long_ms, "{}", until_ms(2));
    room.close().await;
}

async fn shorter_time_to_claim_loses_no_call(room: Room<impl Host>) {
    let show = Show::line().with(|show| show.queue().claim_ttl_ms = 10 * CLAIM_TTL);
    room.accept(show.put()).await;
    room.at(SALE);
    room.call_in_line(9, 3).await;
    room.accept(show.with(|show| show.queue().claim_ttl_ms = CLAIM_TTL).put()).await;
    let later_ms = SALE + 5 * CLAIM_TTL;
    room.at(later_ms);
    room.accept(call(1, 3, 6, None)).await;
    room.claim(1, "p3").await;
    // The first call is not over when the second would be.
    let last_ms = later_ms + 2 * CLAIM_TTL;
    room.at(last_ms);
    room.accept(call(1, 6, 7, None)).await;
    let queue = room.queue().await;
    assert_eq!((queue.called.claimed, queue.lapsed.serving), (1, 0));
    assert_eq!(queue.outstanding(last_ms), 6, "one of seven has its pass");
    for end_ms in [SALE + 10 * CLAIM_TTL, SALE + 20 * CLAIM_TTL] {
        let called = (1..=7).filter(|turn| {
            matches!(queue.place_call(Turn::Line(*turn), end_ms), PlaceCall::Called(_))
        });
        // p3 is called still, and has its pass.
        let (lapsed, called) = (queue.lapsed_at(end_ms), called.count() as u64);
        assert_eq!(7 - lapsed.serving, called, "{end_ms}");
        assert_eq!(queue.outstanding(end_ms), called - (1 - lapsed.claimed), "{end_ms}");
    }
    room.close().await;
}

on_every_store!(
    call_follows_the_one_before_it,
    nobody_is_called_before_the_draw,
    nobody_is_called_during_a_pause,
    call_names_the_last_place_of_the_draw,
    called_place_has_time_to_claim,
    calls_are_counted_until_they_lapse,
    lapsed_place_waits_for_a_free_pass,
    lapsed_place_waits_for_a_ticket,
    longer_time_to_claim_is_given_to_the_next_call,
    shorter_time_to_claim_loses_no_call,
);
