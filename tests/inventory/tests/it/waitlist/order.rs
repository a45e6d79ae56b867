//! The order of a waiting list: first come, first served, and a group that does not fit is passed
//! over a bounded number of times.

use inventory::{HoldId, HoldState, Items};

use super::{
    desk::{Desk, OFFER_TTL, Sale, T, general, leave, refund, release, sell},
    on_every_store,
};
use crate::{
    queue::{
        commands::{confirm, expire},
        host::Host,
    },
    support::items,
};

/// How often a group is passed over.
const PASSED_OVER_MAX: u32 = 10;

async fn first_come_is_first_served(desk: Desk<impl Host>) {
    let sold = desk.sold_out(&Sale::of(&general(6))).await;
    let mut entries = Vec::new();
    for number in 0..6 {
        entries.push(desk.wait(&general(1), Some(&format!("c{number}"))).await);
    }
    for id in &entries {
        desk.accept(refund(sold, &general(1))).await;
        assert_eq!(desk.offers().await.last(), Some(&(*id, None)));
    }
    desk.close().await;
}

async fn entries_keep_their_order_when_others_leave(mut desk: Desk<impl Host>) {
    let sold = desk.sold_out(&Sale::of(&general(3))).await;
    let mut entries = Vec::new();
    for _ in 0..4 {
        entries.push(desk.wait(&general(1), None).await);
    }
    desk.accept(leave(entries[1])).await;
    desk.accept(leave(entries[0])).await;
    entries.push(desk.wait(&general(1), None).await);
    desk.restart().await;
    desk.accept(refund(sold, &[])).await;
    let expected: Vec<_> = entries[2..].iter().map(|id| (*id, None)).collect();
    assert_eq!((desk.offers().await, desk.seen().await), (expected, (0, 3, 0, 0)));
    desk.close().await;
}

/// A group of three at the head of `singles` others, of a sale of which 30 are sold.
async fn group(desk: &Desk<impl Host>, singles: u32) -> (HoldId, HoldId, Vec<HoldId>) {
    let sold = desk.sold_out(&Sale::of(&general(30))).await;
    let group = desk.wait(&general(3), Some("group")).await;
    let mut others = Vec::new();
    for _ in 0..singles {
        others.push(desk.wait(&general(1), None).await);
    }
    (sold, group, others)
}

async fn group_that_does_not_fit_is_passed_over_ten_times(mut desk: Desk<impl Host>) {
    let (sold, group, others) = group(&desk, PASSED_OVER_MAX + 2).await;
    for (number, other) in (1..=PASSED_OVER_MAX).zip(&others) {
        desk.accept(refund(sold, &general(1))).await;
        assert_eq!(desk.offers().await.last(), Some(&(*other, Some(group))));
        assert_eq!(desk.waits(group).await, (number, Items::none()));
    }
    desk.restart().await;
    // From then on what returns is kept for it.
    let before = desk.records().await.len();
    assert_eq!(desk.seen().await, (0, 10, 20, 3));
    desk.accept(refund(sold, &general(1))).await;
    assert_eq!(desk.waits(group).await, (PASSED_OVER_MAX, items(&general(1))));
    assert_eq!(desk.seen().await, (0, 11, 19, 3));
    desk.restart().await;
    desk.accept(refund(sold, &general(1))).await;
    assert_eq!(desk.waits(group).await, (PASSED_OVER_MAX, items(&general(2))));
    // It holds no more than before: nobody counts it as live.
    assert_eq!((desk.seen().await, desk.view().await.event.live_holds), ((0, 12, 18, 3), 10));
    desk.accept(refund(sold, &general(1))).await;
    assert_eq!((desk.seen().await, desk.view().await.event.live_holds), ((0, 13, 17, 2), 11));
    assert_eq!(desk.state(group).await, HoldState::Held);
    let kept = "waitlist_collected";
    assert_eq!(
        desk.kinds(before).await,
        ["refunded", kept, "refunded", kept, "refunded", "hold_offered"]
    );
    // It gives all of them back, and they go on.
    desk.accept(release(group)).await;
    assert_eq!(desk.offers().await[11..], [(others[10], None), (others[11], None)]);
    assert_eq!(desk.seen().await, (1, 12, 17, 0));
    desk.close().await;
}

async fn group_that_fits_at_once_is_not_passed_over(desk: Desk<impl Host>) {
    let (sold, group, others) = group(&desk, 2).await;
    desk.accept(refund(sold, &general(1))).await;
    desk.accept(refund(sold, &general(4))).await;
    assert_eq!(desk.offers().await, [(others[0], Some(group)), (group, None), (others[1], None)]);
    assert_eq!(desk.seen().await, (0, 5, 25, 0));
    desk.close().await;
}

async fn kept_tickets_go_on_when_their_entry_leaves(desk: Desk<impl Host>) {
    let (sold, group, others) = group(&desk, PASSED_OVER_MAX + 1).await;
    for _ in 0..PASSED_OVER_MAX + 2 {
        desk.accept(refund(sold, &general(1))).await;
    }
    assert_eq!(desk.waits(group).await.1, items(&general(2)));
    assert_eq!(desk.seen().await, (0, 12, 18, 2));
    let before = desk.records().await.len();
    desk.accept(leave(group)).await;
    assert_eq!(desk.kinds(before).await, ["waitlist_left", "hold_offered"]);
    assert_eq!(desk.offers().await.last(), Some(&(others[10], None)));
    assert_eq!(desk.seen().await, (1, 11, 18, 0));
    assert_eq!(desk.entry(group).await.waiting, None);
    desk.close().await;
}

async fn who_comes_first_after_a_group_is_passed_over_anew(desk: Desk<impl Host>) {
    let (sold, first, _) = group(&desk, PASSED_OVER_MAX).await;
    let second = desk.wait(&general(2), None).await;
    let last = desk.wait(&general(1), None).await;
    for _ in 0..PASSED_OVER_MAX {
        desk.accept(refund(sold, &general(1))).await;
    }
    desk.accept(refund(sold, &general(3))).await;
    assert_eq!(desk.state(first).await, HoldState::Held);
    assert_eq!(desk.waits(second).await, (0, Items::none()));
    desk.accept(refund(sold, &general(1))).await;
    assert_eq!(desk.waits(second).await, (1, Items::none()));
    assert_eq!(desk.offers().await.last(), Some(&(last, Some(second))));
    desk.close().await;
}

async fn entry_has_all_of_its_stocks_or_none(desk: Desk<impl Host>) {
    let sold = desk.sold_out(&Sale::of(&[("general", 40), ("vip", 5)])).await;
    let both = [("general", 2), ("vip", 1)];
    let first = desk.wait(&both, None).await;
    let mut others = Vec::new();
    for _ in 0..PASSED_OVER_MAX {
        others.push(desk.wait(&general(1), None).await);
    }
    // The vip ticket suffices for nobody.
    desk.accept(refund(sold, &[("vip", 1)])).await;
    assert_eq!((desk.offers().await, desk.counts_of("vip").await), (vec![], (1, 0, 4)));
    for _ in &others {
        desk.accept(refund(sold, &general(1))).await;
    }
    assert_eq!(desk.offers().await.len(), others.len());
    // It is passed over no more: what is there is kept with what returns.
    desk.accept(refund(sold, &general(1))).await;
    assert_eq!(desk.waits(first).await.1, items(&[("general", 1), ("vip", 1)]));
    assert_eq!(desk.counts_of("vip").await, (0, 1, 4));
    assert_eq!(desk.counts_of("general").await, (0, 11, 29));
    desk.accept(refund(sold, &[("general", 1), ("vip", 1)])).await;
    assert_eq!(
        (desk.state(first).await, desk.entry(first).await.items),
        (HoldState::Held, items(&both))
    );
    assert_eq!(
        (desk.counts_of("vip").await, desk.counts_of("general").await),
        ((1, 1, 3), (0, 12, 28))
    );
    desk.accept(confirm(first)).await;
    assert_eq!(
        (desk.counts_of("vip").await, desk.counts_of("general").await),
        ((1, 0, 4), (0, 10, 30))
    );
    desk.close().await;
}

async fn entry_for_another_stock_holds_up_no_group(mut desk: Desk<impl Host>) {
    let sale = Sale::of(&[("general", 30), ("vip", 5)]);
    let sold = desk.sold_out(&sale).await;
    // The vip tickets never return.
    let vip = desk.wait(&[("vip", 2)], None).await;
    let group = desk.wait(&general(3), None).await;
    let mut others = Vec::new();
    for _ in 0..PASSED_OVER_MAX + 1 {
        others.push(desk.wait(&general(1), None).await);
    }
    for (number, other) in (1..=PASSED_OVER_MAX).zip(&others) {
        desk.accept(refund(sold, &general(1))).await;
        assert_eq!(desk.offers().await.last(), Some(&(*other, Some(group))));
        assert_eq!(desk.waits(group).await, (number, Items::none()));
    }
    assert_eq!(desk.waits(vip).await, (0, Items::none()));
    desk.accept(refund(sold, &general(2))).await;
    desk.restart().await;
    assert_eq!(desk.waits(group).await, (PASSED_OVER_MAX, items(&general(2))));
    desk.accept(refund(sold, &general(1))).await;
    assert_eq!(desk.offers().await.last(), Some(&(group, None)));
    desk.close().await;
}

/// Of two that wait for the same stocks, neither waits for what is kept for the other one.
async fn of_two_that_collect_the_same_none_waits_for_ever(mut desk: Desk<impl Host>) {
    let sale = Sale::of(&[("general", 61), ("vip", 5)]);
    desk.accept(sale.put()).await;
    let bought = desk.take(sell(&general(1), Some("a"))).await;
    let sold = desk.take(sell(&[("general", 60), ("vip", 5)], None)).await;
    let both = [("general", 2), ("vip", 2)];
    let [a, b] = [desk.wait(&both, Some("a")).await, desk.wait(&both, Some("b")).await];
    for _ in 0..22 {
        desk.wait(&general(1), None).await;
    }
    // `a` has bought too much. So `b` is passed over, and then collects.
    desk.accept(sale.limited(4).put()).await;
    for _ in 0..PASSED_OVER_MAX + 1 {
        desk.accept(refund(sold, &general(1))).await;
    }
    assert_eq!(desk.waits(a).await, (0, Items::none()));
    assert_eq!(desk.waits(b).await, (PASSED_OVER_MAX, items(&general(1))));
    // Now `a` may have its items, and is passed over.
    desk.accept(refund(bought, &[])).await;
    assert_eq!(desk.waits(b).await.1, items(&general(2)));
    for _ in 0..PASSED_OVER_MAX {
        desk.accept(refund(sold, &general(1))).await;
    }
    assert_eq!(desk.waits(a).await, (PASSED_OVER_MAX, Items::none()));
    desk.restart().await;
    // `b` needs no more of the one stock, so this is kept for `a`; what `b` needs is left to `b`.
    desk.accept(refund(sold, &general(2))).await;
    assert_eq!(desk.waits(a).await.1, items(&general(2)));
    desk.accept(refund(sold, &[("vip", 1)])).await;
    assert_eq!(
        (desk.waits(a).await.1, desk.waits(b).await.1),
        (items(&[("general", 2), ("vip", 1)]), items(&general(2)))
    );
    desk.accept(refund(sold, &[("vip", 1)])).await;
    assert_eq!(desk.offers().await.last(), Some(&(a, None)));
    desk.accept(refund(sold, &[("vip", 2)])).await;
    assert_eq!(desk.offers().await.last(), Some(&(b, None)));
    desk.close().await;
}

/// What is kept for a later entry that waits for another stock takes nothing from a group.
async fn group_is_not_held_up_by_one_that_collects(mut desk: Desk<impl Host>) {
    let sale = Sale::of(&[("general", 60), ("vip", 30)]);
    let sold = desk.sold_out(&sale).await;
    let group = desk.wait(&general(3), None).await;
    let later = desk.wait(&[("general", 1), ("vip", 1)], None).await;
    for _ in 0..PASSED_OVER_MAX {
        desk.wait(&[("vip", 1)], None).await;
    }
    for _ in 0..PASSED_OVER_MAX + 1 {
        desk.wait(&general(1), None).await;
    }
    for _ in 0..PASSED_OVER_MAX {
        desk.accept(refund(sold, &[("vip", 1)])).await;
    }
    desk.accept(refund(sold, &general(1))).await;
    assert_eq!(desk.waits(later).await, (PASSED_OVER_MAX, items(&general(1))));
    for _ in 0..PASSED_OVER_MAX {
        desk.accept(refund(sold, &general(1))).await;
    }
    assert_eq!(desk.waits(group).await, (PASSED_OVER_MAX, Items::none()));
    desk.restart().await;
    desk.accept(refund(sold, &general(2))).await;
    assert_eq!(desk.waits(group).await, (PASSED_OVER_MAX, items(&general(2))));
    // An offer counts with all of its items, also with those that were kept.
    desk.accept(refund(sold, &[("vip", 1)])).await;
    assert_eq!(desk.offers().await.last(), Some(&(later, Some(group))));
    assert_eq!(desk.waits(group).await.0, PASSED_OVER_MAX + 1);
    desk.accept(refund(sold, &general(1))).await;
    assert_eq!(desk.offers().await.last(), Some(&(group, None)));
    desk.close().await;
}

async fn offer_that_expires_goes_on_to_the_next(desk: Desk<impl Host>) {
    let sold = desk.sold_out(&Sale::of(&general(2))).await;
    let [a, b, c] = [
        desk.wait(&general(1), None).await,
        desk.wait(&general(2), None).await,
        desk.wait(&general(1), None).await,
    ];
    desk.accept(refund(sold, &general(1))).await;
    desk.at(T + OFFER_TTL - 1);
    assert_eq!((desk.state(a).await, desk.seen().await), (HoldState::Held, (0, 1, 1, 2)));
    desk.at(T + OFFER_TTL);
    assert_eq!(desk.seen().await, (0, 1, 1, 1));
    assert_eq!((desk.state(a).await, desk.state(c).await), (HoldState::Expired, HoldState::Held));
    assert_eq!(desk.offers().await, [(a, None), (c, Some(b))]);
    desk.at(T + 2 * OFFER_TTL);
    desk.accept(expire()).await;
    assert_eq!((desk.state(c).await, desk.seen().await), (HoldState::Expired, (1, 0, 1, 1)));
    desk.accept(refund(sold, &[])).await;
    assert_eq!(desk.entry(b).await.expires_at_ms, T + 3 * OFFER_TTL);
    desk.close().await;
}

on_every_store!(
    first_come_is_first_served,
    entries_keep_their_order_when_others_leave,
    group_that_does_not_fit_is_passed_over_ten_times,
    group_that_fits_at_once_is_not_passed_over,
    kept_tickets_go_on_when_their_entry_leaves,
    who_comes_first_after_a_group_is_passed_over_anew,
    entry_has_all_of_its_stocks_or_none,
    entry_for_another_stock_holds_up_no_group,
    of_two_that_collect_the_same_none_waits_for_ever,
    group_is_not_held_up_by_one_that_collects,
    offer_that_expires_goes_on_to_the_next,
);
