//! Lists that are longer than an offer looks at: those behind get their turn when the others have
//! left.

use inventory::{HoldId, HoldState, Outcome, RefusalKind, decide::WAITING_MAX};

use super::{
    desk::{Desk, Sale, T, general, hold, leave, refund, sell, wait},
    on_every_store,
};
use crate::queue::host::Host;

/// How many more wait.
const MORE: usize = 44;
const ALL: usize = WAITING_MAX + MORE;

/// A sale of so many, that are sold, in which `ALL` wait: those that an offer looks at for `qty`
/// each, and the others for one.
async fn crowd(desk: &Desk<impl Host>, qty: u64) -> (Sale, HoldId, Vec<HoldId>) {
    let sale = Sale::of(&general(ALL as u64 * qty));
    let sold = desk.sold_out(&sale).await;
    let qty_of = |number| if number < WAITING_MAX { qty } else { 1 };
    let asked = (0..ALL).map(|number| wait(&general(qty_of(number)), None)).collect();
    let entries = desk.ask_all(asked).await.into_iter().map(|reply| match reply.result {
        Ok(Outcome::Waiting { id, .. }) => id,
        other => panic!("{other:?}"),
    });
    let entries = entries.collect();
    (sale, sold, entries)
}

fn is_sold_out(refusal: &RefusalKind) -> bool {
    matches!(refusal, RefusalKind::SoldOut { .. })
}

async fn large_return_reaches_all(desk: Desk<impl Host>) {
    let (_, sold, entries) = crowd(&desk, 1).await;
    // Those who come with the return find nothing.
    let asked = vec![
        refund(sold, &[]),
        sell(&general(1), None),
        hold(&general(1), None),
        wait(&general(3), None),
    ];
    let mut replies = desk.ask_all(asked).await.into_iter().map(|reply| reply.result);
    replies.next().unwrap().unwrap();
    for reply in replies.by_ref().take(2) {
        assert!(is_sold_out(&reply.unwrap_err().kind));
    }
    assert!(matches!(replies.next().unwrap().unwrap(), Outcome::Waiting { .. }));
    let expected: Vec<_> = entries.iter().map(|id| (*id, None)).collect();
    assert_eq!(desk.offers().await, expected);
    assert_eq!(desk.seen().await, (0, ALL as u64, 0, 1));
    desk.close().await;
}

async fn returns_one_by_one_reach_all_in_order(desk: Desk<impl Host>) {
    let (_, sold, entries) = crowd(&desk, 1).await;
    desk.ask_all((0..ALL).map(|_| refund(sold, &general(1))).collect()).await;
    let expected: Vec<_> = entries.iter().map(|id| (*id, None)).collect();
    assert_eq!((desk.offers().await, desk.seen().await), (expected, (0, ALL as u64, 0, 0)));
    desk.close().await;
}

async fn turn_of_those_behind_comes_when_others_leave(desk: Desk<impl Host>) {
    let (_, sold, entries) = crowd(&desk, 2).await;
    desk.accept(refund(sold, &general(1))).await;
    // It suffices for none of those that an offer looks at.
    assert_eq!((desk.offers().await, desk.seen().await.0), (vec![], 1));
    let asked = vec![leave(entries[5]), sell(&general(1), None), hold(&general(1), None)];
    for reply in desk.ask_all(asked).await.into_iter().skip(1) {
        assert!(is_sold_out(&reply.result.unwrap_err().kind));
    }
    assert_eq!(desk.offers().await, [(entries[WAITING_MAX], Some(entries[0]))]);
    assert_eq!(desk.seen().await.0, 0);
    desk.close().await;
}

async fn who_joins_now_comes_after_those_behind(desk: Desk<impl Host>) {
    let (_, sold, entries) = crowd(&desk, 2).await;
    // With one that leaves, one more is looked at: not the one who has just come.
    let asked = vec![wait(&general(1), None), leave(entries[0]), refund(sold, &general(1))];
    for reply in desk.ask_all(asked).await {
        reply.result.unwrap();
    }
    assert_eq!(desk.offers().await, [(entries[WAITING_MAX], Some(entries[1]))]);
    assert_eq!(desk.seen().await.0, 0);
    desk.close().await;
}

async fn long_list_ends_as_a_whole(desk: Desk<impl Host>) {
    let (sale, _, entries) = crowd(&desk, 1).await;
    desk.accept(sale.without_list().put()).await;
    assert_eq!(desk.seen().await, (0, 0, ALL as u64, 0));
    assert_eq!(desk.kinds(2 + ALL).await.len(), 1 + ALL);
    for id in [entries[0], entries[WAITING_MAX], entries[ALL - 1]] {
        assert_eq!(desk.state(id).await, HoldState::Released);
    }
    desk.close().await;
}

async fn long_list_has_ended_before_the_sale_goes_on(desk: Desk<impl Host>) {
    let (sale, _, entries) = crowd(&desk, 1).await;
    let closes = T + 100;
    let closing = sale.clone().with(|sale| sale.settings.closes_at_ms = Some(closes));
    desk.accept(closing.put()).await;
    desk.at(closes);
    // The first command after the end opens the sale again: nobody waits any more.
    desk.accept(sale.put()).await;
    assert_eq!(desk.seen().await, (0, 0, ALL as u64, 0));
    assert_eq!(desk.state(entries[ALL - 1]).await, HoldState::Released);
    desk.close().await;
}

on_every_store!(
    large_return_reaches_all,
    returns_one_by_one_reach_all_in_order,
    turn_of_those_behind_comes_when_others_leave,
    who_joins_now_comes_after_those_behind,
    long_list_ends_as_a_whole,
    long_list_has_ended_before_the_sale_goes_on,
);
