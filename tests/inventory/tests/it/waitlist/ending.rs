//! The end of a waiting list: what was kept returns, and nobody waits any more.

use inventory::{HoldId, HoldState, RefusalKind};

use super::{
    desk::{Desk, Sale, T, general, refund, release, sell, wait},
    on_every_store,
};
use crate::{
    queue::{
        commands::{confirm, delete, expire},
        host::Host,
    },
    support::items,
};

const CLOSES: u64 = T + 100;

/// A sale in which somebody holds an offer, two tickets are kept for a group of three, and one more
/// waits.
struct Kept {
    sale: Sale,
    sold: HoldId,
    offered: HoldId,
    group: HoldId,
    last: HoldId,
}

async fn kept(desk: &Desk<impl Host>) -> Kept {
    let sale = Sale::of(&general(14));
    let sold = desk.sold_out(&sale).await;
    let group = desk.wait(&general(3), Some("g")).await;
    let mut others = Vec::new();
    for _ in 0..10 {
        others.push(desk.wait(&general(1), None).await);
    }
    for _ in 0..12 {
        desk.accept(refund(sold, &general(1))).await;
    }
    for other in &others[1..] {
        desk.accept(confirm(*other)).await;
    }
    let last = desk.wait(&general(1), None).await;
    assert_eq!(desk.waits(group).await, (10, items(&general(2))));
    assert_eq!(desk.seen().await, (0, 3, 11, 2));
    Kept { sale, sold, offered: others[0], group, last }
}

/// The list has ended; the offer is a hold as before.
async fn has_ended(desk: &Desk<impl Host>, kept: &Kept, before: usize) {
    assert_eq!(desk.kinds(before).await[1..], ["waitlist_left", "waitlist_left"]);
    for id in [kept.group, kept.last] {
        let entry = desk.entry(id).await;
        assert_eq!((entry.state, entry.waiting), (HoldState::Released, None));
    }
    assert_eq!(desk.seen().await, (2, 1, 11, 0));
    assert_eq!(desk.state(kept.offered).await, HoldState::Held);
}

async fn list_ends_with_its_setting(desk: Desk<impl Host>) {
    let kept = kept(&desk).await;
    let before = desk.records().await.len();
    desk.accept(kept.sale.clone().without_list().put()).await;
    has_ended(&desk, &kept, before).await;
    // From then on what returns is for all.
    desk.accept(release(kept.offered)).await;
    desk.take(sell(&general(3), None)).await;
    assert_eq!(desk.refuse(wait(&general(1), None)).await, RefusalKind::WaitlistClosed);
    // The next list begins with nobody, and its numbers go on.
    desk.accept(kept.sale.put()).await;
    let entry = desk.wait(&general(1), None).await;
    let list = desk.view().await.event.waitlist;
    assert_eq!((list.waiting, list.joined), (1, 13));
    desk.accept(refund(kept.sold, &[])).await;
    assert_eq!(desk.state(entry).await, HoldState::Held);
    desk.close().await;
}

async fn list_ends_when_the_sale_is_closed(desk: Desk<impl Host>) {
    let kept = kept(&desk).await;
    let before = desk.records().await.len();
    desk.accept(kept.sale.clone().with(|sale| sale.settings.closes_at_ms = Some(T)).put()).await;
    has_ended(&desk, &kept, before).await;
    // The offer can still be bought.
    desk.accept(confirm(kept.offered)).await;
    assert_eq!(desk.seen().await, (2, 0, 12, 0));
    desk.close().await;
}

async fn list_ends_when_the_time_of_the_sale_is_over(desk: Desk<impl Host>) {
    let kept = kept(&desk).await;
    let before = desk.records().await.len();
    let closes = |sale: &mut Sale| sale.settings.closes_at_ms = Some(CLOSES);
    desk.accept(kept.sale.clone().with(closes).put()).await;
    desk.at(CLOSES - 1);
    desk.accept(expire()).await;
    assert_eq!(desk.seen().await, (0, 3, 11, 2));
    desk.at(CLOSES);
    desk.accept(expire()).await;
    has_ended(&desk, &kept, before).await;
    desk.accept(release(kept.offered)).await;
    assert_eq!(desk.seen().await, (3, 0, 11, 0));
    desk.close().await;
}

async fn list_waits_for_a_later_opening(desk: Desk<impl Host>) {
    let kept = kept(&desk).await;
    let opens = T + 50;
    let later = kept.sale.clone().with(|sale| sale.settings.opens_at_ms = Some(opens));
    desk.accept(later.put()).await;
    desk.accept(refund(kept.sold, &general(1))).await;
    assert_eq!(desk.seen().await, (1, 3, 10, 2));
    let early = RefusalKind::NotOpenYet { opens_at_ms: opens, wait_ms: 50 };
    assert_eq!(desk.refuse(sell(&general(1), None)).await, early);
    desk.at(opens);
    // The next command finds it offered.
    let reply = desk.ask(sell(&general(1), None)).await;
    assert!(matches!(reply.result.unwrap_err().kind, RefusalKind::SoldOut { .. }));
    assert_eq!(desk.state(kept.group).await, HoldState::Held);
    assert_eq!(desk.seen().await, (0, 4, 10, 1));
    desk.close().await;
}

async fn what_is_kept_stands_in_the_way_of_deleting(desk: Desk<impl Host>) {
    let kept = kept(&desk).await;
    desk.accept(refund(kept.sold, &[])).await;
    assert_eq!(desk.state(kept.group).await, HoldState::Held);
    assert_eq!(desk.refuse(delete()).await, RefusalKind::EventInUse { used: 14 });
    desk.close().await;
}

async fn list_ends_with_its_event(mut desk: Desk<impl Host>) {
    let sale = Sale::of(&[("general", 1), ("vip", 1)]);
    let sold = desk.sold_out(&sale).await;
    let both = [("general", 1), ("vip", 1)];
    let entry = desk.wait(&both, Some("a")).await;
    desk.accept(refund(sold, &[("general", 1)])).await;
    let RefusalKind::EventInUse { used: 1 } = desk.refuse(delete()).await else { panic!() };
    // The vip ticket comes back when nothing is offered any more, because the list waits for the
    // opening.
    let later = sale.clone().with(|sale| sale.settings.opens_at_ms = Some(T + 50));
    desk.accept(later.put()).await;
    desk.accept(refund(sold, &[])).await;
    assert_eq!(desk.seen().await, (1, 0, 0, 1));
    let before = desk.records().await.len();
    desk.accept(delete()).await;
    assert_eq!(desk.kinds(before).await, ["event_deleted", "waitlist_left"]);
    assert_eq!(desk.state(entry).await, HoldState::Released);
    desk.restart().await;
    // It is created again, with nobody in its list.
    desk.accept(sale.put()).await;
    assert_eq!(desk.seen().await, (1, 0, 0, 0));
    desk.take(sell(&both, None)).await;
    let next = desk.wait(&both, None).await;
    assert_eq!(desk.entry(next).await.waiting.unwrap().number, 1);
    desk.close().await;
}

on_every_store!(
    list_ends_with_its_setting,
    list_ends_when_the_sale_is_closed,
    list_ends_when_the_time_of_the_sale_is_over,
    list_waits_for_a_later_opening,
    what_is_kept_stands_in_the_way_of_deleting,
    list_ends_with_its_event,
);
