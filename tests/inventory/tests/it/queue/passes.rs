//! Passes: one for each called place, and good for one hold or sale.

use inventory::{
    CommandKind, Limits, Outcome, PassUse, RefusalKind,
    domain::PlaceCall,
    ledger::{Change, PassClaimed, QueueChange},
};
use inventory_store::testing::id;

use super::{
    commands::{CLAIM_TTL, OPENS, PASS_TTL, SALE, Show, call, claim, hold, leaf, leaves, sell},
    host::Host,
    on_every_store,
    room::Room,
};
use crate::support::{customer, event, items};

/// A line of four places, of which the first two are called.
async fn called(room: &Room<impl Host>, show: &Show) {
    room.accept(show.put()).await;
    room.at(SALE);
    room.call_in_line(4, 2).await;
}

async fn called_place_claims_its_pass(room: Room<impl Host>) {
    called(&room, &Show::line()).await;
    let waiting = RefusalKind::NotCalled { lapsed: false };
    assert_eq!(room.refuse(claim(1, leaf(1, "p2"))).await, waiting);
    assert_eq!(room.refuse(claim(1, leaf(1, "p9"))).await, RefusalKind::PlaceNotFound);
    assert_eq!(room.refuse(claim(2, leaf(1, "p0"))).await, RefusalKind::QueueNotFound);
    let elsewhere = CommandKind::ClaimPass { event: event("b"), queue: 1, leaf: leaf(1, "p0") };
    assert_eq!(room.refuse(elsewhere).await, RefusalKind::EventNotFound);
    let used = room.claim(1, "p0").await;
    let claimed =
        PassClaimed { expires_at_ms: SALE + PASS_TTL, leaf: leaf(1, "p0"), pass: used.pass };
    assert_eq!(room.newest().await, QueueChange::PassClaimed(claimed));
    let place = room.place(&used.leaf).await.unwrap();
    let pass = place.pass.unwrap();
    assert_eq!(
        (place.index, pass.id, pass.claimed_at_ms, pass.spent_on),
        (0, used.pass, SALE, None)
    );
    assert_eq!(pass.expires_at_ms, SALE + PASS_TTL);
    assert_eq!(room.place(&leaf(1, "p1")).await.unwrap().pass, None);
    room.close().await;
}

async fn place_has_one_pass(mut room: Room<impl Host>) {
    called(&room, &Show::line().with(|show| show.settings.closes_at_ms = Some(SALE * 9))).await;
    let replies = room.ask_all(vec![claim(1, leaf(1, "p0")); 3]).await;
    let first = replies[0].result.clone().unwrap();
    assert!(replies.iter().all(|reply| reply.result.as_ref() == Ok(&first)));
    let records = room.records().await.len();
    // At any time later: also when its turn, its pass or the sale is over.
    for now_ms in [SALE, SALE + 2 * CLAIM_TTL, SALE + 2 * PASS_TTL, SALE * 9] {
        room.at(now_ms);
        assert_eq!(room.accept(claim(1, leaf(1, "p0"))).await, first);
        room.restart().await;
    }
    let Outcome::PassClaimed { pass, .. } = first else { panic!("{first:?}") };
    let used = PassUse { leaf: leaf(1, "p0"), pass, queue: 1 };
    room.at(SALE + 1);
    room.take(sell(1, Some(used))).await;
    assert_eq!(room.accept(claim(1, leaf(1, "p0"))).await, first, "it is used");
    assert_eq!((room.records().await.len(), room.queue().await.passes.claimed), (records + 1, 1));
    room.close().await;
}

async fn no_pass_is_claimed_after_the_sale(room: Room<impl Host>) {
    called(&room, &Show::line().with(|show| show.settings.closes_at_ms = Some(SALE + 9))).await;
    room.at(SALE + 9);
    let refused = room.refuse(claim(1, leaf(1, "p0"))).await;
    assert_eq!(refused, RefusalKind::SaleClosed { closes_at_ms: SALE + 9 });
    room.close().await;
}

async fn hold_and_sale_need_a_pass(room: Room<impl Host>) {
    called(&room, &Show::line()).await;
    let (p0, p1) = (room.claim(1, "p0").await, room.claim(1, "p1").await);
    let wrong = [
        None,
        // Of another waiting room, which nobody can guess, of another place and of none.
        Some(PassUse { queue: 2, ..p0.clone() }),
        Some(PassUse { pass: id(9), ..p0.clone() }),
        Some(PassUse { pass: p1.pass, ..p0.clone() }),
        Some(PassUse { leaf: leaf(1, "p2"), ..p0.clone() }),
        Some(PassUse { leaf: leaf(1, "p9"), ..p0.clone() }),
    ];
    for pass in wrong {
        for kind in [hold(1, pass.clone()), sell(1, pass.clone())] {
            assert_eq!(room.refuse(kind).await, RefusalKind::PassRequired, "{pass:?}");
        }
    }
    // The seller needs one as well.
    let mut by_seller = sell(1, None);
    if let CommandKind::Reserve { by_seller, .. } = &mut by_seller {
        *by_seller = true;
    }
    assert_eq!(room.refuse(by_seller).await, RefusalKind::PassRequired);
    let taken =
        [room.take(hold(1, Some(p0.clone()))).await, room.take(sell(2, Some(p1.clone()))).await];
    for (used, taken) in [p0, p1].into_iter().zip(taken) {
        assert_eq!(room.place(&used.leaf).await.unwrap().pass.unwrap().spent_on, Some(taken));
        for kind in [hold(1, Some(used.clone())), sell(1, Some(used.clone()))] {
            assert_eq!(room.refuse(kind).await, RefusalKind::PassSpent);
        }
    }
    let places: Vec<_> =
        room.records().await.iter().filter_map(|record| record.change.place().copied()).collect();
    assert_eq!(places, leaves(1, 0..2));
    let passes = room.queue().await.passes;
    assert_eq!((passes.spent, passes.taken, passes.active(SALE)), (2, 3, 0));
    room.close().await;
}

async fn pass_of_another_event_buys_nothing(room: Room<impl Host>) {
    called(&room, &Show::line()).await;
    let used = room.claim(1, "p0").await;
    let mut kind = Show::line().put();
    if let CommandKind::PutEvent { event: name, .. } = &mut kind {
        *name = event("other");
    }
    room.accept(kind).await;
    // Its waiting room has the same number.
    for mut kind in [hold(1, Some(used.clone())), sell(1, Some(used.clone()))] {
        if let CommandKind::Hold { event: name, .. } | CommandKind::Reserve { event: name, .. } =
            &mut kind
        {
            *name = event("other");
        }
        assert_eq!(room.refuse(kind).await, RefusalKind::PassRequired);
    }
    room.take(sell(1, Some(used))).await;
    room.close().await;
}

async fn pass_is_used_once(room: Room<impl Host>) {
    called(&room, &Show::line()).await;
    let used = room.claim(1, "p0").await;
    let both = vec![hold(1, Some(used.clone())), sell(1, Some(used.clone())), hold(1, Some(used))];
    let replies = room.ask_all(both).await;
    let results: Vec<_> = replies
        .iter()
        .map(|reply| reply.result.as_ref().map_err(|refusal| &refusal.kind))
        .collect();
    let Ok(Outcome::Held { id, .. }) = results[0] else { panic!("{results:?}") };
    assert_eq!(results[1..], [Err(&RefusalKind::PassSpent), Err(&RefusalKind::PassSpent)]);
    // What is given back gives no other pass.
    room.accept(CommandKind::Release { hold: *id }).await;
    let pass = room.place(&leaf(1, "p0")).await.unwrap().pass.unwrap();
    assert_eq!(pass.spent_on, Some(*id));
    room.close().await;
}

async fn pass_expires(room: Room<impl Host>) {
    called(&room, &Show::line()).await;
    let (p0, p1) = (room.claim(1, "p0").await, room.claim(1, "p1").await);
    room.at(SALE + PASS_TTL - 1);
    room.take(hold(1, Some(p0))).await;
    room.at(SALE + PASS_TTL);
    for kind in [hold(1, Some(p1.clone())), sell(1, Some(p1))] {
        assert_eq!(room.refuse(kind).await, RefusalKind::PassSpent);
    }
    room.close().await;
}

async fn pass_lives_as_long_as_the_event_says(room: Room<impl Host>) {
    let show = Show::line();
    room.accept(show.put()).await;
    room.at(SALE);
    room.call_in_line(3, 3).await;
    let mut used = vec![room.claim(1, "p0").await];
    // An event that gives no time at all gives the shortest there is.
    for (name, pass_ttl_ms) in [("p1", 9), ("p2", 0)] {
        room.accept(show.clone().with(|show| show.queue().pass_ttl_ms = pass_ttl_ms).put()).await;
        used.push(room.claim(1, name).await);
    }
    for (used, ttl_ms) in used.iter().zip([PASS_TTL, 9, 1]) {
        let pass = room.place(&used.leaf).await.unwrap().pass.unwrap();
        assert_eq!(pass.expires_at_ms, SALE + ttl_ms);
    }
    room.at(SALE + 9);
    for late in used.drain(1..) {
        assert_eq!(room.refuse(sell(1, Some(late))).await, RefusalKind::PassSpent);
    }
    room.take(sell(1, used.pop())).await;
    room.close().await;
}

async fn refused_sale_does_not_use_the_pass(mut room: Room<impl Host>) {
    room.limits = Limits { live_holds_max: 1, ..Limits::default() };
    room.restart().await;
    let show = Show::line().with(|show| show.settings.closes_at_ms = Some(SALE + 5_000));
    called(&room, &show).await;
    let (p0, p1) = (room.claim(1, "p0").await, room.claim(1, "p1").await);
    let refused = async |kind: CommandKind| room.refuse(kind).await;
    for qty in [11, 1_000] {
        let available = vec![(crate::support::stock("general"), 10)];
        let sold_out = RefusalKind::SoldOut { available };
        assert_eq!(refused(hold(qty, Some(p0.clone()))).await, sold_out);
        assert_eq!(refused(sell(qty, Some(p0.clone()))).await, sold_out);
    }
    let unknown = CommandKind::Hold {
        event: event("default"),
        items: items(&[("vip", 1)]),
        customer: Some(customer("c")),
        ttl_ms: None,
        pass: Some(Box::new(p0.clone())),
    };
    assert!(matches!(refused(unknown).await, RefusalKind::StockNotFound(_)));
    let limited = show.clone().with(|show| show.settings.limit_per_customer = Some(1));
    room.accept(limited.put()).await;
    assert_eq!(refused(sell(1, Some(p0.clone()))).await, RefusalKind::CustomerRequired);
    let mut too_many = sell(2, Some(p0.clone()));
    if let CommandKind::Reserve { customer: who, .. } = &mut too_many {
        *who = Some(customer("c"));
    }
    assert_eq!(refused(too_many).await, RefusalKind::LimitExceeded { limit: 1, has: 0 });
    room.accept(show.put()).await;
    room.take(hold(1, Some(p1))).await;
    assert_eq!(refused(hold(1, Some(p0.clone()))).await, RefusalKind::TooManyHolds(1));
    assert_eq!(room.queue().await.passes.spent, 1);
    room.take(sell(1, Some(p0))).await;
    room.at(SALE + 5_000);
    room.close().await;
}

async fn retry_gets_its_answer_though_the_pass_is_used(mut room: Room<impl Host>) {
    called(&room, &Show::line()).await;
    let (p0, p1) = (room.claim(1, "p0").await, room.claim(1, "p1").await);
    let requests = [("hold", hold(1, Some(p0.clone()))), ("sale", sell(1, Some(p1)))];
    let mut replies = Vec::new();
    for (key, kind) in &requests {
        let reply = room.ask_with_key(kind.clone(), key).await;
        assert!(!reply.replayed && reply.result.is_ok(), "{reply:?}");
        replies.push(reply);
    }
    room.restart().await;
    room.at(SALE + 2 * PASS_TTL);
    for ((key, kind), first) in requests.into_iter().zip(replies) {
        let again = room.ask_with_key(kind.clone(), key).await;
        assert_eq!((again.result, again.seq, again.replayed), (first.result, first.seq, true));
        let other = room.ask_with_key(kind, "other").await.result.unwrap_err();
        assert_eq!(other.kind, RefusalKind::PassSpent);
    }
    // Without the pass it is another request.
    let other = room.ask_with_key(hold(1, None), "hold").await.result.unwrap_err();
    assert_eq!(other.kind, RefusalKind::KeyReused);
    room.close().await;
}

async fn event_without_a_room_ignores_a_pass(room: Room<impl Host>) {
    room.accept(Show::plain().put()).await;
    room.at(SALE);
    let any = PassUse { leaf: leaf(1, "p0"), pass: id(1), queue: 1 };
    room.take(hold(1, Some(any.clone()))).await;
    room.take(sell(1, Some(any.clone()))).await;
    let is_plain = |change: &Change| change.format() == 1 && change.place().is_none();
    assert!(room.records().await.iter().all(|record| is_plain(&record.change)));
    assert_eq!(room.place(&any.leaf).await, None);
    room.close().await;
}

async fn nobody_is_called_outside_the_sale(room: Room<impl Host>) {
    let show = Show::line().with(|show| show.settings.closes_at_ms = Some(SALE + 50));
    room.accept(show.put()).await;
    room.at(OPENS);
    room.join(1, &leaves(1, 0..3)).await;
    room.at(SALE - 1);
    assert_eq!(room.refuse(call(1, 0, 1, None)).await, RefusalKind::QueueMoved);
    room.at(SALE);
    room.accept(call(1, 0, 1, None)).await;
    let used = room.claim(1, "p0").await;
    let queue = room.queue().await;
    let place = queue.place_call(queue.turn(&leaf(1, "p1"), 1), SALE);
    assert_eq!((place, queue.passes.spent), (PlaceCall::Waiting, 0));
    // The sale is moved: what was called waits with the others.
    let later = show.clone().with(|show| show.settings.opens_at_ms = Some(SALE + 20));
    room.accept(later.put()).await;
    let early = RefusalKind::NotOpenYet { opens_at_ms: SALE + 20, wait_ms: 20 };
    assert_eq!(room.refuse(sell(1, Some(used))).await, early);
    assert_eq!(room.refuse(call(1, 1, 2, None)).await, RefusalKind::QueueMoved);
    room.at(SALE + 20);
    room.accept(call(1, 1, 2, None)).await;
    room.at(SALE + 50);
    assert_eq!(room.refuse(call(1, 2, 3, None)).await, RefusalKind::QueueMoved);
    room.close().await;
}

on_every_store!(
    called_place_claims_its_pass,
    place_has_one_pass,
    no_pass_is_claimed_after_the_sale,
    hold_and_sale_need_a_pass,
    pass_of_another_event_buys_nothing,
    pass_is_used_once,
    pass_expires,
    pass_lives_as_long_as_the_event_says,
    refused_sale_does_not_use_the_pass,
    retry_gets_its_answer_though_the_pass_is_used,
    event_without_a_room_ignores_a_pass,
    nobody_is_called_outside_the_sale,
);
